"""Triggers that wait for their picture: bounded, and each ends as a picture or is told that there was none."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Protocol

from flawgate_camera.config.network_triggers import Waiting
from flawgate_camera.frames import Picture, Trigger


class Fate(StrEnum):
    """What became of a trigger."""

    TAKEN = "taken"
    """A picture was taken for it."""
    MISSED = "missed"
    """No fresh picture came within its time."""
    BUSY = "busy"
    """Too many wait, or came in the last second; it was not taken on."""
    REFUSED = "refused"
    """It could not be understood."""


class TriggerObserver(Protocol):
    """Counts triggers; called from any thread."""

    def triggered(self, fate: Fate) -> None:
        """A trigger came to its end."""
        ...


Told = Callable[[Fate], None]
"""Told once what became of a trigger that was taken on; in the capture thread, or in that of `expire`."""


@dataclass(frozen=True, slots=True)
class _Entry:
    trigger: Trigger
    due: float
    told: Told


class TriggerQueue:
    """Pairs triggers and pictures in the order of both: one picture for each trigger, and never an older one.

    Args:
        config: the bounds.
        observer: told of each end.
        clock: that of pictures' `acquired`, in seconds.
    """

    def __init__(self, config: Waiting, observer: TriggerObserver, clock: Callable[[], float] = monotonic) -> None:
        self._config = config
        self._observer = observer
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[_Entry] = deque()
        self._allowance = max(1.0, config.max_per_s)
        self._allowed_at = clock()

    def put(self, trigger: Trigger, told: Told) -> bool:
        """Take on a trigger that came now; False, and nothing is told, where there is no room."""
        now = self._clock()
        with self._lock:
            taken_on = self._allows(now) and len(self._waiting) < self._config.waiting
            if taken_on:
                self._waiting.append(_Entry(trigger, now + self._config.delay_s, told))
        if not taken_on:
            self._observer.triggered(Fate.BUSY)
        return taken_on

    def take(self, picture: Picture) -> Trigger | None:
        """The trigger that a picture was taken for; None where none waits for one of that moment."""
        self.expire(picture.acquired)
        with self._lock:
            fits = bool(self._waiting) and self._waiting[0].due <= picture.acquired
            entry = self._waiting.popleft() if fits else None
        if entry is None:
            return None
        self._end(entry, Fate.TAKEN)
        return entry.trigger

    def expire(self, moment: float) -> None:
        """Give up triggers that should have had a picture by then."""
        while True:
            with self._lock:
                late = bool(self._waiting) and moment > self._waiting[0].due + self._config.within_s
                entry = self._waiting.popleft() if late else None
            if entry is None:
                return
            self._end(entry, Fate.MISSED)

    def _end(self, entry: _Entry, fate: Fate) -> None:
        self._observer.triggered(fate)
        entry.told(fate)

    def _allows(self, now: float) -> bool:
        """A token bucket of a second's triggers."""
        most = max(1.0, self._config.max_per_s)
        self._allowance = min(most, self._allowance + (now - self._allowed_at) * self._config.max_per_s)
        self._allowed_at = now
        allowed = self._allowance >= 1
        self._allowance -= allowed
        return allowed
