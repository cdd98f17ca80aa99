"""`latest`: what is sent is new, what is acted upon is never older than the budget, and the rest is counted."""

import time

from flawgate_camera.delivery.base import OnDrop, Policy, uncounted
from flawgate_camera.delivery.memory import Clock, MemoryDelivery
from flawgate_camera.frames import CapturedFrame, DropCause


class LatestDelivery(MemoryDelivery):
    """The newest frames; the oldest gives way (SUPERSEDED), and one beyond the budget is not sent (STALE).

    Ages are those of a clock that never runs backwards: setting the wall clock changes nothing.
    """

    policy = Policy.LATEST

    def __init__(
        self, budget_s: float, *, slots: int = 1, on_drop: OnDrop = uncounted, clock: Clock = time.monotonic
    ) -> None:
        """An empty one.

        Args:
            budget_s: longest time from the capture to an answer that is acted upon, in seconds.
            slots: frames that wait to be sent, at least 1.
            on_drop: told of each frame that is dropped here.
            clock: what frames' `acquired` was read from.
        """
        super().__init__(on_drop=on_drop, clock=clock)
        self.budget_s: float = budget_s
        self._slots = slots

    def _make_room(self) -> None:
        unsent = self._window.unsent()
        for frame in unsent[: max(0, len(unsent) - self._slots)]:
            self._lose(frame, DropCause.SUPERSEDED)

    def _drop_stale(self) -> None:
        item = self._window.next()
        if isinstance(item, CapturedFrame) and item.sequence > self._recorded and self._is_stale(item):
            self._lose(item, DropCause.STALE)

    def _is_stale(self, frame: CapturedFrame) -> bool:
        return frame.acquired is None or self._clock() - frame.acquired >= self.budget_s
