"""What `latest` and `every` share: frames that live no longer than this process."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from flawgate_camera.delivery.base import Facts, Item, OnDrop, Policy, uncounted
from flawgate_camera.delivery.bell import Bell
from flawgate_camera.delivery.window import Window
from flawgate_camera.frames import CapturedFrame, DropCause, Gap

Clock = Callable[[], float]
"""Seconds that never run backwards, e.g. `time.monotonic`."""


class MemoryDelivery:
    """See `Delivery`. The numbering begins anew with every start, so its name is new, too."""

    policy: Policy
    budget_s: float | None = None

    def __init__(self, *, on_drop: OnDrop = uncounted, clock: Clock = time.monotonic) -> None:
        """An empty one.

        Args:
            on_drop: told of each frame that is dropped here.
            clock: what frames' `acquired` was read from.
        """
        self.stream_id = uuid4()
        self._on_drop = on_drop
        self._clock = clock
        self._window = Window()
        self._given = 0
        self._recorded = 0
        self._changed = threading.Condition()
        self._offered = Bell()
        self._settled = Bell()
        self._stopped = False

    def next_sequence(self) -> int:
        """See `Delivery`."""
        self._given += 1
        return self._given

    def offer(self, frame: CapturedFrame) -> None:
        """See `Delivery`."""
        with self._changed:
            self._wait_for_room()
            self._window.append(frame)
            if self._stopped:
                self._lose(frame, DropCause.STOPPED)
            self._make_room()
        self._offered.ring()

    def drop(self, sequence: int, cause: DropCause, moment: datetime) -> None:
        """See `Delivery`."""
        with self._changed:
            self._window.append(Gap(sequence, sequence, cause, moment, moment))
        self._on_drop(cause, 1)
        self._offered.ring()

    def is_kept(self, sequence: int) -> bool:
        """See `Delivery`: memory keeps nothing, so the frame must have its answer."""
        return sequence < self.first_unsettled()

    def first_unsettled(self) -> int:
        """See `Delivery`."""
        with self._changed:
            return self._window.first

    def rewind(self, recorded: int) -> None:
        """See `Delivery`."""
        with self._changed:
            self._recorded = recorded
            self._window.rewind()

    async def take(self) -> Item:
        """See `Delivery`."""
        while True:
            self._offered.arm()
            with self._changed:
                self._drop_stale()
                item = self._window.next()
                if item is not None:
                    self._window.take()
                    return item
            await self._offered.rung()

    def settle(self, sequence: int) -> None:
        """See `Delivery`."""
        with self._changed:
            self._window.settle(sequence)
            self._changed.notify_all()
        self._settled.ring()

    async def drained(self) -> None:
        """See `Delivery`."""
        while True:
            self._settled.arm()
            with self._changed:
                if self._window.is_empty:
                    return
            await self._settled.rung()

    def stop(self) -> None:
        """See `Delivery`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """See `Delivery`."""
        with self._changed:
            for frame in self._window.unsent():
                self._lose(frame, DropCause.STOPPED)

    def close(self) -> None:
        """See `Delivery`."""
        self.stop()

    def facts(self) -> Facts:
        """See `Delivery`."""
        with self._changed:
            frames = self._window.frames()
            unsettled = self._window.end - self._window.first
        taken = [frame.acquired for frame in frames if frame.acquired is not None]
        oldest_age_s = max(0.0, self._clock() - min(taken)) if taken else 0.0
        return Facts(unsettled, sum(len(frame.data) for frame in frames), oldest_age_s)

    def _lose(self, frame: CapturedFrame, cause: DropCause) -> None:
        self._window.drop(frame, cause)
        self._on_drop(cause, 1)

    def _wait_for_room(self) -> None:
        """Called before a frame is taken over, with the lock."""

    def _make_room(self) -> None:
        """Called after a frame was taken over, with the lock."""

    def _drop_stale(self) -> None:
        """Called before a frame is given away, with the lock."""
