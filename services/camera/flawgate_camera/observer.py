"""What cameras do, as Prometheus counts it."""

import time

from flawgate_camera.delivery.base import Facts
from flawgate_camera.frames import DropCause
from flawgate_camera.sources.base import Cause
from flawgate_camera.triggers.queue import Fate
from flawgate_contracts.metrics.camera import CameraMetrics

EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE")


class PrometheusObserver:
    """Counts for one camera.

    Args:
        metrics: of the agent.
        camera: its name in the configuration.
        policy: of its delivery.
    """

    def __init__(self, metrics: CameraMetrics, camera: str, policy: str) -> None:
        self._metrics = metrics
        self._camera = camera
        self._policy = policy
        self._alarms: set[str] = set()
        metrics.frames.labels(camera)
        metrics.passed_over.labels(camera)
        metrics.up.labels(camera).set(0)
        metrics.connected.labels(camera).set(0)
        for cause in DropCause:
            metrics.dropped.labels(camera, cause.value, policy)
        for evaluation in EVALUATIONS:
            metrics.results.labels(camera, evaluation)

    def captured(self) -> None:
        """A frame was taken for inspection."""
        self._metrics.frames.labels(self._camera).inc()
        self._metrics.last_frame.labels(self._camera).set(time.time())

    def dropped(self, cause: DropCause, frames: int) -> None:
        """So many frames were dropped."""
        self._metrics.dropped.labels(self._camera, cause.value, self._policy).inc(frames)

    def passed_over(self, pictures: int) -> None:
        """So many pictures came too late and were not looked at."""
        self._metrics.passed_over.labels(self._camera).inc(pictures)

    def went_up(self) -> None:
        """It gives usable pictures."""
        self._metrics.up.labels(self._camera).set(1)

    def went_down(self) -> None:
        """It no longer does."""
        self._metrics.up.labels(self._camera).set(0)

    def failed(self, cause: Cause) -> None:
        """It failed, for this cause."""
        self._metrics.failures.labels(self._camera, cause.value).inc()

    def answered(self, evaluation: str, age_s: float | None) -> None:
        """A frame has its result, so many seconds after its capture; None where that was before this process."""
        self._metrics.results.labels(self._camera, evaluation).inc()
        if age_s is not None:
            self._metrics.age.labels(self._camera).observe(age_s)

    def connected(self, *, up: bool) -> None:
        """Whether the stream to the gateway stands."""
        self._metrics.connected.labels(self._camera).set(up)

    def triggered(self, fate: Fate) -> None:
        """A trigger of the network came to its end."""
        self._metrics.triggers.labels(self._camera, fate.value).inc()

    def alarm(self, alarm: str, *, on: bool) -> None:
        """An alarm changed to this state."""
        self._alarms.add(alarm)
        self._metrics.alarm_on.labels(self._camera, alarm).set(on)

    def acted(self, alarm: str, *, done: bool) -> None:
        """A try to show an alarm's state succeeded, or failed."""
        self._metrics.alarm_actions.labels(self._camera, alarm, "done" if done else "failed").inc()

    def waits(self, facts: Facts) -> None:
        """What waits to be sent, or answered."""
        self._metrics.unsettled.labels(self._camera).set(facts.unsettled)
        if self._policy == "lossless":
            self._metrics.spool_bytes.labels(self._camera).set(facts.held_bytes)
            self._metrics.spool_oldest_age.labels(self._camera).set(facts.oldest_age_s)

    def close(self) -> None:
        """A camera that does not run shows no state; what was counted stays."""
        metrics = self._metrics
        gauges = (metrics.up, metrics.connected, metrics.last_frame, metrics.unsettled)
        spool = (metrics.spool_bytes, metrics.spool_oldest_age)
        for gauge in (*gauges, *spool):
            gauge.remove(self._camera)
        for alarm in self._alarms:
            metrics.alarm_on.remove(self._camera, alarm)
