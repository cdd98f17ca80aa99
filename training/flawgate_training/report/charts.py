"""Line charts as data: everything in pixels of an SVG's view box, so that the template only writes it down."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 460, 320
"""Of a chart's view box."""

LEFT, RIGHT, TOP, BOTTOM = 54, 14, 14, 46
"""Margins around the plotted area."""

Point = tuple[float, float]
Style = Literal["first", "second", "third", "fourth", "aside"]
STYLES: tuple[Style, ...] = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: with its unit.
        low: value at the axis' start.
        high: value at its end, above `low`.
        ticks: values to name.
    """

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where on the axis a value lies, 0–1; beyond the ends, at the end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclass(frozen=True)
class Line:
    """A line. `points`: in values of the axes."""

    name: str
    points: tuple[Point, ...]
    style: Style


@dataclass(frozen=True)
class Mark:
    """A point with a name, in values of the axes."""

    name: str
    at: Point
    hollow: bool = False


@dataclass(frozen=True)
class Chart:
    """A line chart."""

    title: str
    note: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()

    def path(self, line: Line) -> str:
        """The points of a line, as SVG's `polyline` takes them."""
        return " ".join(f"{self.left(x):.1f},{self.top(y):.1f}" for x, y in line.points)

    def left(self, value: float) -> float:
        """Pixels from the left of a value of x."""
        return LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT)

    def top(self, value: float) -> float:
        """Pixels from the top of a value of y."""
        return HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM)

    @property
    def spoken(self) -> str:
        """For a screen reader."""
        told = "; ".join(f"{mark.name}: {mark.at[0]:.4g}, {mark.at[1]:.4g}" for mark in self.marks)
        return f"{self.title}: {self.y.title} against {self.x.title}" + (f". {told}" if told else "")


def shares(title: str) -> Axis:
    """An axis of a share, 0–1."""
    return Axis(title, 0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


def axis(title: str, values: Sequence[float], *, zero: bool = True, whole: bool = False) -> Axis:
    """An axis that holds all values, with four to six ticks at round numbers.

    Args:
        title: with its unit.
        values: finite; at least one.
        zero: begin at 0 where no value is below it.
        whole: ticks are whole numbers.
    """
    low, high = min(values), max(values)
    low = min(0.0, low) if zero else low
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = max(_round_step((high - low) / 5), 1.0 if whole else 0.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 10) for index in range(first, last + 1))
    return Axis(title, ticks[0], ticks[-1], ticks)


def _round_step(rough: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
