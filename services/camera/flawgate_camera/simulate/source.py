"""A camera that takes a picture of each part that comes by, at the line's takt."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from flawgate_camera.frames import Picture, Trigger
from flawgate_camera.simulate.stock import Specimen, Stock, Truth
from flawgate_camera.sources.base import SourceEnded, picture_of
from flawgate_camera.sources.pace import LONGEST_WAIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Takt:
    """When parts come by.

    Attributes:
        begins: `time.monotonic()` of the line's beginning, in seconds.
        phase_s: when the first part is there, in seconds after the beginning.
        takt_s: from part to part, in seconds.
        jitter_s: each is so much early or late at most, in seconds, less than half of the takt.
        parts: so many come by.
    """

    begins: float
    phase_s: float
    takt_s: float
    jitter_s: float
    parts: int


class TaktSource:
    """A part that has left before its picture could be taken is missed, and counted.

    Attributes:
        missed: parts of which no picture was taken.
    """

    live = True
    hands_over = False
    open_within_s = 10.0
    read_within_s = 10.0

    def __init__(
        self, camera: str, takt: Takt, stock: Stock, chance: Generator, *, shown: Callable[[str, Truth], None]
    ) -> None:
        """A source that is not open yet.

        Args:
            camera: its name; the parts are named after it.
            takt: when parts come.
            stock: pictures of parts.
            chance: draws pictures and jitter.
            shown: told of each part, by its name, before its picture is given.
        """
        self.missed = 0
        self._camera, self._takt, self._stock, self._chance, self._shown = camera, takt, stock, chance, shown
        self._part = 0
        self._due = self._next_due()
        self._last: Specimen | None = None

    def open(self) -> None:
        """Nothing is to be done."""

    def read(self) -> Picture | None:
        """The picture of the part that is there; None while none is."""
        while self._part < self._takt.parts and self._has_left():
            self.missed += 1
            self._go_on()
        if self._part >= self._takt.parts:
            raise SourceEnded
        ahead_s = self._due - time.monotonic()
        if ahead_s > 0:
            time.sleep(min(ahead_s, LONGEST_WAIT_S))
        return None if ahead_s > LONGEST_WAIT_S else self._picture()

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is held."""

    def _picture(self) -> Picture:
        self._last = self._stock.draw(self._chance, self._last)
        self._go_on()
        part = f"{self._camera}-{self._part:06d}"
        self._shown(part, self._last.truth)
        return picture_of(self._last.pixels, trigger=Trigger(id=part, part=part), file=self._last.file)

    def _go_on(self) -> None:
        self._part += 1
        self._due = self._next_due()

    def _has_left(self) -> bool:
        return time.monotonic() > self._due + self._takt.takt_s

    def _next_due(self) -> float:
        takt = self._takt
        jitter_s = self._chance.uniform(-takt.jitter_s, takt.jitter_s)
        return takt.begins + takt.phase_s + self._part * takt.takt_s + jitter_s
