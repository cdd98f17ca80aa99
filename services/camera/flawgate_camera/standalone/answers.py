"""Whoever decided, a frame is acted upon once: an agent's own answer at once, and not again when it is on record."""

import time
from collections.abc import Callable

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.standalone.messages import is_own
from flawgate_camera.stream.facts import OnResult, Outcome


class Answers:
    """A `Listener`, and the ear of a stream: joins the two kinds of answers of one camera."""

    def __init__(
        self,
        on_result: OnResult,
        on_failure: Callable[[], None],
        *,
        budget_s: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Of one camera.

        Args:
            on_result: told of each answer, in the event loop; must neither raise nor take long.
            on_failure: told of each frame that could not be judged here.
            budget_s: longest age of an answer that may be acted upon, in seconds; None: none is too old.
            clock: what frames' `acquired` was read from.
        """
        self._on_result, self._on_failure = on_result, on_failure
        self._budget_s, self._clock = budget_s, clock

    def decided(self, frame: CapturedFrame, inspection: pb.Inspection) -> None:
        """See `Listener`."""
        age_s = None if frame.acquired is None else self._clock() - frame.acquired
        late = self._budget_s is not None and age_s is not None and age_s > self._budget_s
        self._on_result(Outcome(sequence=frame.sequence, inspection=inspection, age_s=age_s, late=late))

    def failed(self, _reason: str) -> None:
        """See `Listener`."""
        self._on_failure()

    def answered(self, outcome: Outcome) -> None:
        """The gateway's answer; passed on unless it is our own, from the record."""
        if outcome.inspection is None or not is_own(outcome.inspection):
            self._on_result(outcome)
