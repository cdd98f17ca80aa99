import pytest
from prometheus_client import CollectorRegistry

from flawgate_camera.delivery.base import Facts
from flawgate_camera.frames import DropCause
from flawgate_camera.observer import PrometheusObserver
from flawgate_camera.sources.base import Cause
from flawgate_camera.triggers.queue import Fate
from flawgate_contracts.metrics.camera import CameraMetrics


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of one agent."""
    return CollectorRegistry()


def test_what_cameras_do_is_counted(registry: CollectorRegistry) -> None:
    """Each call has its metric, with the camera's name, and drops with cause and policy."""
    observer = PrometheusObserver(CameraMetrics(registry), "cam1", "lossless")
    observer.captured()
    observer.dropped(DropCause.STALE, 3)
    observer.went_up()
    observer.failed(Cause.ENDED)
    observer.answered("NOT_OK", 0.2)
    observer.answered("OK", None)
    observer.connected(up=True)
    observer.waits(Facts(unsettled=4, held_bytes=5000, oldest_age_s=1.5))
    observer.triggered(Fate.MISSED)
    observer.alarm("horn", on=True)
    observer.acted("horn", done=False)
    camera = {"camera": "cam1"}
    expected = {
        ("flawgate_camera_frames_total", ()): 1,
        ("flawgate_frames_dropped_total", (("cause", "STALE"), ("policy", "lossless"))): 3,
        ("flawgate_frames_dropped_total", (("cause", "FAILED"), ("policy", "lossless"))): 0,
        ("flawgate_camera_up", ()): 1,
        ("flawgate_camera_failures_total", (("cause", "ENDED"),)): 1,
        ("flawgate_camera_results_total", (("evaluation", "NOT_OK"),)): 1,
        ("flawgate_inspection_frame_age_seconds_count", ()): 1,
        ("flawgate_camera_connected", ()): 1,
        ("flawgate_camera_unsettled_frames", ()): 4,
        ("flawgate_camera_spool_bytes", ()): 5000,
        ("flawgate_camera_spool_oldest_age_seconds", ()): 1.5,
        ("flawgate_camera_triggers_total", (("fate", "missed"),)): 1,
        ("flawgate_camera_alarm_on", (("alarm", "horn"),)): 1,
        ("flawgate_camera_alarm_actions_total", (("alarm", "horn"), ("result", "failed"))): 1,
    }
    counted = {(name, labels): registry.get_sample_value(name, camera | dict(labels)) for name, labels in expected}
    assert counted == expected


def test_a_camera_that_is_gone_shows_no_state(registry: CollectorRegistry) -> None:
    """Its gauges go with it, so that no alert stands for a camera that was removed; counts stay."""
    observer = PrometheusObserver(CameraMetrics(registry), "cam1", "lossless")
    observer.waits(Facts(unsettled=4, held_bytes=5000, oldest_age_s=1.5))
    observer.alarm("horn", on=True)
    observer.captured()
    observer.close()
    gauges = ("up", "connected", "unsettled_frames", "spool_bytes", "spool_oldest_age_seconds", "alarm_on")
    labels = {"camera": "cam1", "alarm": "horn"}
    left = [name for name in (*gauges, "last_frame_timestamp_seconds") if _shown(registry, name, labels)]
    assert left == []
    assert registry.get_sample_value("flawgate_camera_frames_total", {"camera": "cam1"}) == 1


def _shown(registry: CollectorRegistry, name: str, labels: dict[str, str]) -> bool:
    """Whether a gauge of the camera has a value, with an alarm's name or without."""
    full = f"flawgate_camera_{name}"
    alone = {"camera": labels["camera"]}
    return any(registry.get_sample_value(full, some) is not None for some in (labels, alone))
