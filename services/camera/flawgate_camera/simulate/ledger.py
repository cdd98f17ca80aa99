"""What one simulated camera gave, and what came of it, number by number."""

import hashlib
import threading
from array import array
from collections import Counter

from flawgate.inspection.v1 import types_pb2
from flawgate_camera.delivery.base import Facts
from flawgate_camera.frames import CapturedFrame, DropCause
from flawgate_camera.simulate.stock import Truth
from flawgate_camera.sources.base import Cause
from flawgate_camera.stream.facts import Outcome, StreamState

NOT_INSPECTED = "not inspected"
"""Where a confusion matrix has an evaluation."""


class Ledger:
    """Counts for one camera; a `CameraObserver`. Forgets each frame with its answer: a long run takes no more memory.

    Attributes:
        frames: taken for inspection.
        drops: by cause, as the agent counts them.
        confusion: (what the part is, evaluation) → frames.
        ages_s: from capture to answer, in seconds, of each inspected frame.
        replayed: answers that were on record before the frame was sent this time.
        late: answers that are too old to act upon, by the budget of `latest`.
        foreign: answers about another picture than the one that was sent.
        disordered: answers that are not about the number that comes next.
        connections: greetings of the gateway.
        failures: of the camera itself, by cause.
        state: of the stream.
    """

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.frames = self.replayed = self.late = self.foreign = self.disordered = self.connections = 0
        self.drops: Counter[DropCause] = Counter()
        self.confusion: Counter[tuple[Truth, str]] = Counter()
        self.failures: Counter[Cause] = Counter()
        self.ages_s = array("d")
        self.state = StreamState()
        self._lock = threading.Lock()
        self._parts: dict[str, Truth] = {}
        self._open: dict[int, tuple[Truth, str]] = {}
        self._settled = 0

    @property
    def results(self) -> int:
        """Frames that have an inspection."""
        return len(self.ages_s)

    @property
    def settled(self) -> int:
        """Numbers that have an answer, whichever."""
        return self._settled

    def shown(self, part: str, truth: Truth) -> None:
        """A part is before the camera."""
        with self._lock:
            self._parts[part] = truth

    def numbered(self, frame: CapturedFrame) -> CapturedFrame:
        """A frame has its number; it is given back as it is."""
        digest = hashlib.sha256(frame.data).hexdigest()
        with self._lock:
            self._open[frame.sequence] = (self._parts.pop(frame.trigger.id or "", Truth.UNKNOWN), digest)
        return frame

    def answered(self, outcome: Outcome) -> None:
        """Numbers are settled."""
        with self._lock:
            if outcome.dropped is not None:
                self.drops[outcome.dropped] += 1
            numbers = range(self._settled + 1, outcome.sequence + 1)
            self._settled = max(self._settled, outcome.sequence)
            self.disordered += len(numbers) != 1 if outcome.gap is None else not numbers
            for number in numbers:
                truth, digest = self._open.pop(number, (Truth.UNKNOWN, ""))
                self.confusion[truth, _evaluation(outcome)] += 1
            if outcome.inspection is not None and numbers:
                self._inspected(outcome, outcome.inspection.frame.sha256, digest)

    def _inspected(self, outcome: Outcome, sha256: str, digest: str) -> None:
        self.ages_s.append(outcome.age_s or 0.0)
        self.foreign += sha256 != digest
        self.replayed += outcome.replayed
        self.late += outcome.late

    def stream_changed(self, state: StreamState) -> None:
        """The stream stands, or does not."""
        self.connections += state.connected
        self.state = state

    def captured(self) -> None:
        """See `CameraObserver`."""
        with self._lock:
            self.frames += 1

    def passed_over(self, pictures: int) -> None:
        """See `CameraObserver`: made-up cameras are never behind."""

    def dropped(self, cause: DropCause, frames: int) -> None:
        """See `CameraObserver`."""
        with self._lock:
            self.drops[cause] += frames

    def failed(self, cause: Cause) -> None:
        """See `CameraObserver`."""
        self.failures[cause] += 1

    def went_up(self) -> None:
        """See `CameraObserver`."""

    def went_down(self) -> None:
        """See `CameraObserver`."""

    def waits(self, facts: Facts) -> None:
        """See `CameraObserver`."""

    def close(self) -> None:
        """See `CameraObserver`."""


def _evaluation(outcome: Outcome) -> str:
    if outcome.inspection is None:
        return NOT_INSPECTED
    return types_pb2.Evaluation.Name(outcome.inspection.evaluation).removeprefix("EVALUATION_")
