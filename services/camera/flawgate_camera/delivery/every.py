"""`every`: nothing is dropped, the source waits."""

import time

from flawgate_camera.delivery.base import OnDrop, Policy, uncounted
from flawgate_camera.delivery.memory import Clock, MemoryDelivery


class EveryDelivery(MemoryDelivery):
    """As many frames as there is room for; `offer` waits until one has its answer, or until `stop`."""

    policy = Policy.EVERY

    def __init__(self, frames: int, *, on_drop: OnDrop = uncounted, clock: Clock = time.monotonic) -> None:
        """An empty one.

        Args:
            frames: most that have no answer yet, at least 1.
            on_drop: told of each frame that is dropped here: after `stop` alone.
            clock: what frames' `acquired` was read from.
        """
        super().__init__(on_drop=on_drop, clock=clock)
        self._room = frames

    def _wait_for_room(self) -> None:
        self._changed.wait_for(lambda: self._stopped or len(self._window.frames()) < self._room)
