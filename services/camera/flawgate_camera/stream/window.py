"""What is on its way to the gateway, and how much more may be sent."""

import asyncio
from collections import deque

from flawgate_camera.delivery.base import Item
from flawgate_camera.frames import CapturedFrame

MOST_FRAMES = 32
"""On their way at once, however many credits the gateway grants: they are held in memory."""
MOST_ITEMS = 256
"""Frames and gaps on their way at once."""


class InFlight:
    """Items that were sent and are not answered, in their order, and the credits left; within one event loop."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._credits = 0
        self._frames = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def grant(self, frames: int) -> None:
        """So many frames more may be sent."""
        self._credits += frames
        self._changed.set()

    async def room(self) -> None:
        """Wait until a frame may be sent."""
        while not (self._credits > 0 and self._frames < MOST_FRAMES and len(self._items) < MOST_ITEMS):
            self._changed.clear()
            await self._changed.wait()

    def sent(self, item: Item) -> None:
        """Remember it; a frame takes a credit."""
        self._items.append(item)
        if isinstance(item, CapturedFrame):
            self._credits -= 1
            self._frames += 1

    def answered(self, sequence: int) -> Item | None:
        """The item that the gateway has answered; None where that is not the next in order."""
        if not self._items or last_number(self._items[0]) != sequence:
            return None
        item = self._items.popleft()
        self._frames -= isinstance(item, CapturedFrame)
        self._changed.set()
        return item


def last_number(item: Item) -> int:
    """The number that its answer names."""
    return item.sequence if isinstance(item, CapturedFrame) else item.last
