"""What the agent counts of its cameras."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from flawgate_contracts.metrics.buckets import AGE_BUCKETS


class CameraMetrics:
    """What the agent counts of its cameras. The label `camera` is a name of its configuration."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter(
            "flawgate_camera_frames_total",
            "Frames taken for inspection: each ends as a result or is dropped.",
            ["camera"],
            registry=registry,
        )
        self.dropped = Counter(
            "flawgate_frames_dropped_total",
            "Frames that nobody inspected, by camera, cause and policy of delivery.",
            ["camera", "cause", "policy"],
            registry=registry,
        )
        self.results = Counter(
            "flawgate_camera_results_total",
            "Results of frames, by evaluation.",
            ["camera", "evaluation"],
            registry=registry,
        )
        self.passed_over = Counter(
            "flawgate_camera_pictures_passed_over_total",
            "Pictures that came too late and were not looked at: the agent is slower than its camera.",
            ["camera"],
            registry=registry,
        )
        self.up = Gauge(
            "flawgate_camera_up", "1 while a camera gives usable pictures, else 0.", ["camera"], registry=registry
        )
        self.failures = Counter(
            "flawgate_camera_failures_total",
            "Times that a camera failed, by cause.",
            ["camera", "cause"],
            registry=registry,
        )
        self.last_frame = Gauge(
            "flawgate_camera_last_frame_timestamp_seconds",
            "When the last frame was taken for inspection.",
            ["camera"],
            registry=registry,
        )
        self.age = Histogram(
            "flawgate_inspection_frame_age_seconds",
            "Time from the capture of a frame to its result.",
            ["camera"],
            buckets=AGE_BUCKETS,
            registry=registry,
        )
        self.connected = Gauge(
            "flawgate_camera_connected",
            "1 while a camera's stream to the gateway stands, else 0.",
            ["camera"],
            registry=registry,
        )
        self.unsettled = Gauge(
            "flawgate_camera_unsettled_frames",
            "Frames and gaps that have no answer yet.",
            ["camera"],
            registry=registry,
        )
        self.spool_bytes = Gauge(
            "flawgate_camera_spool_bytes",
            "Bytes that the spool takes on disk: frames that wait, and settled ones until their file goes.",
            ["camera"],
            registry=registry,
        )
        self.spool_oldest_age = Gauge(
            "flawgate_camera_spool_oldest_age_seconds",
            "Age of the oldest frame that waits on disk; 0 where none waits.",
            ["camera"],
            registry=registry,
        )
        self.triggers = Counter(
            "flawgate_camera_triggers_total",
            "Triggers of the network, by what became of them: taken, missed (no picture), busy or refused.",
            ["camera", "fate"],
            registry=registry,
        )
        self.alarm_on = Gauge(
            "flawgate_camera_alarm_on", "1 while an alarm is on, else 0.", ["camera", "alarm"], registry=registry
        )
        self.alarm_actions = Counter(
            "flawgate_camera_alarm_actions_total",
            "Tries to show an alarm's state, by result: done or failed.",
            ["camera", "alarm", "result"],
            registry=registry,
        )
