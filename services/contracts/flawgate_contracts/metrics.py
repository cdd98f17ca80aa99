"""Every metric of Flawgate: named once, beside its help text, built for a given registry.

Prefix `flawgate_`, base units, bounded labels: recipe names come from the model repository, never from a request.
"""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
"""Seconds, for a part of an inspection."""

END_TO_END_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1, 2.5, 5, 10)
"""Seconds, from the request to the answer. Objectives stand exactly on an edge."""

SCORE_BUCKETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.99, 1.0)
"""Score, 0 to 1, dense around the threshold of 0.9."""


class RpcMetrics:
    """What every gRPC server counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "flawgate_rpc_requests_total",
            "gRPC calls served, by full method name and status code.",
            ["method", "code"],
            registry=registry,
        )
        self.duration = Histogram(
            "flawgate_rpc_duration_seconds",
            "Time from the arrival of a gRPC call to its answer.",
            ["method"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )


class StageMetrics:
    """Where the time of an inspection goes."""

    def __init__(self, registry: CollectorRegistry, stages: tuple[str, ...]) -> None:
        self._duration = Histogram(
            "flawgate_stage_duration_seconds",
            "Time that one stage of an inspection took.",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        for stage in stages:
            self._duration.labels(stage)

    def observe(self, stage: str, seconds: float) -> None:
        """One passage of a stage, in seconds."""
        self._duration.labels(stage).observe(seconds)


class InspectionMetrics:
    """What the gateway counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.inspections = Counter(
            "flawgate_inspections_total",
            "Inspections answered, by recipe, evaluation and reason.",
            ["recipe", "evaluation", "reason"],
            registry=registry,
        )
        self.replays = Counter(
            "flawgate_inspections_replayed_total",
            "Requests that got the answer of an earlier one with the same idempotency key.",
            registry=registry,
        )
        self.failures = Counter(
            "flawgate_inspection_failures_total",
            "Inspections that ended without an evaluation, by the reason of the error.",
            ["reason"],
            registry=registry,
        )
        self.duration = Histogram(
            "flawgate_inspection_duration_seconds",
            "Time from the first byte of a frame to its evaluation, by recipe.",
            ["recipe"],
            buckets=END_TO_END_BUCKETS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "flawgate_inspections_in_progress", "Inspections that are being worked on.", registry=registry
        )
        self.score = Histogram(
            "flawgate_inspection_score_ratio",
            "Scores of the inspections answered, 0 to 1, by recipe.",
            ["recipe"],
            buckets=SCORE_BUCKETS,
            registry=registry,
        )


class AccessMetrics:
    """What the gateway counts of requests that it does not let in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "flawgate_access_refused_total",
            "Requests refused for their API key, by the reason of the error.",
            ["reason"],
            registry=registry,
        )


class PictureMetrics:
    """What the gateway counts of its archive of pictures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.kept = Counter(
            "flawgate_pictures_kept_total",
            "Inspections whose pictures were kept, by evaluation.",
            ["evaluation"],
            registry=registry,
        )
        self.kept_bytes = Counter(
            "flawgate_pictures_kept_bytes_total", "Bytes of the pictures that were kept, as stored.", registry=registry
        )
        self.skipped = Counter(
            "flawgate_pictures_skipped_total",
            "Good parts whose pictures were not kept: by sampling, or since the archive is full.",
            ["cause"],
            registry=registry,
        )
        self.purged = Counter(
            "flawgate_pictures_purged_total",
            "Inspections whose pictures were deleted, by evaluation.",
            ["evaluation"],
            registry=registry,
        )
        self.purged_bytes = Counter(
            "flawgate_pictures_purged_bytes_total", "Bytes of the pictures that were deleted.", registry=registry
        )
        self.failures = Counter(
            "flawgate_pictures_failures_total",
            "Times that the archive of pictures could not be used, by what for.",
            ["operation"],
            registry=registry,
        )
        self.held_bytes = Gauge(
            "flawgate_pictures_held_bytes", "Bytes of all pictures on record, as last counted.", registry=registry
        )
        self.max_bytes = Gauge(
            "flawgate_pictures_max_bytes",
            "From so many bytes on no pictures of good parts are kept.",
            registry=registry,
        )
        self.last_purge = Gauge(
            "flawgate_pictures_last_purge_timestamp_seconds",
            "When this gateway last came to the end of a purge.",
            registry=registry,
        )
        for evaluation in ("OK", "NOT_OK", "NOT_DECIDABLE"):
            self.kept.labels(evaluation)
            self.purged.labels(evaluation)
        for cause in ("sampling", "full"):
            self.skipped.labels(cause)
        for operation in ("put", "get", "purge"):
            self.failures.labels(operation)


class OutboxMetrics:
    """What the gateway counts of the delivery of events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = Gauge("flawgate_outbox_pending", "Events that wait for a sink.", ["sink"], registry=registry)
        self.oldest_age = Gauge(
            "flawgate_outbox_oldest_age_seconds",
            "Time for which the oldest of the events that wait for a sink has waited; 0 where none waits.",
            ["sink"],
            registry=registry,
        )
        self.deliveries = Counter(
            "flawgate_sink_deliveries_total",
            "Tries to deliver an event, by sink and result: delivered, refused, unreachable or dead (given up).",
            ["sink", "result"],
            registry=registry,
        )


class StreamMetrics:
    """What the gateway counts of cameras' streams."""

    def __init__(self, registry: CollectorRegistry, outcomes: Sequence[str], causes: Sequence[str]) -> None:
        self.open = Gauge("flawgate_streams_open", "Streams of cameras that are open.", registry=registry)
        self.frames = Counter(
            "flawgate_stream_frames_total",
            "Frames of streams that were settled: inspected, replayed (on record before), or dropped.",
            ["outcome"],
            registry=registry,
        )
        self.gaps = Counter(
            "flawgate_gaps_total", "Gaps of streams that went on record, by cause.", ["cause"], registry=registry
        )
        self.gap_frames = Counter(
            "flawgate_gap_frames_total", "Frames within these gaps, by cause.", ["cause"], registry=registry
        )
        for outcome in outcomes:
            self.frames.labels(outcome)
        for cause in causes:
            self.gaps.labels(cause)
            self.gap_frames.labels(cause)


class RecipeMetrics:
    """What the decision service says of its recipes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.model_server_up = Gauge(
            "flawgate_model_server_up", "1 while the model server answers, else 0.", registry=registry
        )
        self._ready = Gauge(
            "flawgate_recipe_ready",
            "1 while a recipe's models are loaded and a real inference has succeeded, else 0.",
            ["recipe"],
            registry=registry,
        )
        self._names: set[str] = set()

    def show(self, ready: Mapping[str, bool]) -> None:
        """Show these recipes, and no others any more: recipe → whether it can be used."""
        for name in self._names - ready.keys():
            self._ready.remove(name)
        self._names = set(ready)
        for name, is_ready in ready.items():
            self._ready.labels(name).set(is_ready)


AGE_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 3600)
"""Seconds, from the capture of a frame to its result: a fast line's takt, and the time after an outage."""


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
            "flawgate_camera_spool_bytes", "Bytes of frames that wait on disk.", ["camera"], registry=registry
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
