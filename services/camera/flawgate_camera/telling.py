"""What becomes of one camera's frames, told to its metrics and its alarms."""

from collections.abc import Collection

from flawgate_camera.alarms.facts import AlarmCause, Judged
from flawgate_camera.alarms.service import Alarms
from flawgate_camera.config.cameras import Camera
from flawgate_camera.health import Standing
from flawgate_camera.observer import PrometheusObserver
from flawgate_camera.sources.base import Cause
from flawgate_camera.standalone.link import Link
from flawgate_camera.standalone.messages import is_own
from flawgate_camera.stream.facts import Outcome, StreamState


class Teller:
    """Hears what came of each frame, and how the stream fares; within the event loop.

    Args:
        camera: its table.
        standing: how the camera does.
        observer: counts.
        judges_itself: whether the agent judges frames itself, at least while there is no gateway.
    """

    def __init__(
        self, camera: Camera, standing: Standing, observer: PrometheusObserver, *, judges_itself: bool
    ) -> None:
        self._standing = standing
        self._observer = observer
        self._judges_itself = judges_itself
        self._fails_itself = False
        self.link = Link()
        self.alarms = Alarms(camera.name, camera.station, camera.alarms, lost=self.lost, observer=observer)

    def answered(self, outcome: Outcome) -> None:
        """A frame has its answer, from the gateway or from the agent itself."""
        if outcome.dropped is not None:
            self._observer.dropped(outcome.dropped, 1)
        judged = _judged(outcome)
        if judged is None or outcome.late:
            return
        if outcome.inspection is not None:
            self._fails_itself = False
            self._observer.answered(judged.evaluation, outcome.age_s)
        self.alarms.judged(judged)

    def answered_late(self, outcome: Outcome) -> None:
        """A frame that was taken when the camera was another one has its answer: counted, and nothing else."""
        if outcome.dropped is not None:
            self._observer.dropped(outcome.dropped, 1)
        judged = _judged(outcome)
        if judged is None or outcome.inspection is None or is_own(outcome.inspection):
            return  # what the agent decided itself was counted when it did
        self._observer.answered(judged.evaluation, outcome.age_s)

    def failed_itself(self) -> None:
        """The agent could not judge a frame; an answer will say that it can again."""
        self._fails_itself = True
        self._observer.failed(Cause.JUDGEMENT)

    def stream_changed(self, state: StreamState) -> None:
        """The stream to the gateway stands, or does not."""
        self._observer.connected(up=state.connected)
        self.link.turned(connected=state.connected)

    def lost(self) -> Collection[AlarmCause]:
        """What is missing for parts to be judged at this moment."""
        judges_itself = self._judges_itself and not self._fails_itself
        missing = {
            AlarmCause.CAMERA_DOWN: not self._standing.state.up,
            AlarmCause.GATEWAY_LOST: self.link.is_lost(0) and not judges_itself,
        }
        return [cause for cause, is_missing in missing.items() if is_missing]


def _judged(outcome: Outcome) -> Judged | None:
    """What alarms make of it: a frame that was not inspected is not good; None for a gap."""
    if outcome.inspection is not None:
        return Judged.of(outcome.inspection, outcome.sequence, outcome.age_s)
    if outcome.refusal is not None:
        return Judged.uninspected(outcome.sequence, outcome.refusal.reason, outcome.age_s)
    return None
