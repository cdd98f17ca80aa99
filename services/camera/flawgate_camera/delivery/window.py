"""Frames and gaps in memory, in the order of their numbers: which are answered, which are sent, which are next."""

from collections import deque
from dataclasses import dataclass

from flawgate_camera.delivery.base import Item
from flawgate_camera.delivery.gaps import merged
from flawgate_camera.frames import CapturedFrame, DropCause, Gap

MOST_GAPS = 1000
"""Beyond, gaps that lie side by side become one even where their causes differ."""


@dataclass(slots=True)
class _Slot:
    item: Item
    sent: bool = False
    """Whether it was ever taken; then it stays what it is, since the gateway may have it on record."""

    @property
    def last(self) -> int:
        return self.item.sequence if isinstance(self.item, CapturedFrame) else self.item.last


class Window:
    """What is not settled yet. Not for several threads at once."""

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()
        self._position = 0
        """Of the next slot to take."""
        self.end = 1
        """The number that comes next."""

    @property
    def first(self) -> int:
        """The first number that is not settled."""
        if not self._slots:
            return self.end
        item = self._slots[0].item
        return item.sequence if isinstance(item, CapturedFrame) else item.first

    @property
    def is_empty(self) -> bool:
        """Whether all is settled."""
        return not self._slots

    def frames(self) -> list[CapturedFrame]:
        """All frames that are not settled."""
        return [slot.item for slot in self._slots if isinstance(slot.item, CapturedFrame)]

    def unsent(self) -> list[CapturedFrame]:
        """The frames that were never taken."""
        return [slot.item for slot in self._slots if isinstance(slot.item, CapturedFrame) and not slot.sent]

    def append(self, item: Item) -> None:
        """Take over the next number, or numbers.

        Raises:
            ValueError: it is not the next one.
        """
        first = item.sequence if isinstance(item, CapturedFrame) else item.first
        if first != self.end:
            raise ValueError(f"Number {first} came where {self.end} is the next; give each number out once, in order.")
        self._slots.append(_Slot(item))
        self.end = self._slots[-1].last + 1
        self._join(len(self._slots) - 1)

    def drop(self, frame: CapturedFrame, cause: DropCause) -> None:
        """Put a gap in the place of a frame."""
        for index, slot in enumerate(self._slots):
            if slot.item is frame:
                slot.item = Gap(frame.sequence, frame.sequence, cause, frame.acquired_at, frame.acquired_at)
                self._join(index)
                return

    def next(self) -> Item | None:
        """What is to be taken next; None where there is nothing."""
        return self._slots[self._position].item if self._position < len(self._slots) else None

    def take(self) -> None:
        """Go on behind what `next` said."""
        self._slots[self._position].sent = True
        self._position += 1

    def rewind(self) -> None:
        """Begin anew at the first that is not settled."""
        self._position = 0

    def settle(self, sequence: int) -> None:
        """Forget all up to that number."""
        while self._slots and self._slots[0].last <= sequence:
            self._slots.popleft()
            self._position = max(0, self._position - 1)

    def _join(self, index: int) -> None:
        """Make one gap of that slot and those beside it, where that may be."""
        for earlier in (index, index - 1):
            if 0 <= earlier < len(self._slots) - 1:
                self._join_two(earlier)

    def _join_two(self, index: int) -> None:
        before, behind = self._slots[index], self._slots[index + 1]
        if before.sent or behind.sent or not isinstance(before.item, Gap) or not isinstance(behind.item, Gap):
            return
        if before.item.cause is behind.item.cause or len(self._slots) > MOST_GAPS:
            before.item = merged(before.item, behind.item)
            del self._slots[index + 1]
