"""Remembering for a short time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ShortMemory(Generic[Key, Value]):
    """A mapping that forgets each entry after a while, and the oldest ones when there are too many.

    Args:
        ttl_s: seconds for which an entry is remembered; 0 for no time at all.
        max_entries: most entries at once.
        clock: gives seconds that never go back.
    """

    def __init__(self, *, ttl_s: float, max_entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """What was remembered; None where nothing is any more."""
        entry = self._entries.get(key)
        if entry is None or self._clock() >= entry[0]:
            return None
        return entry[1]

    def put(self, key: Key, value: Value) -> None:
        """Remember."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock() + self._ttl_s, value)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
