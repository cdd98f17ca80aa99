"""Where the stitches of a seam lie. `stitch_threads` draws them, `stitches.generate` puts both to use."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

DIRECTIONS: dict[str, tuple[float, ...]] = {"Diagonal": (-45, 45), "Horizontal": (0,), "Straight": (90,)}
"""Directions of a seam, in degrees from the rows, clockwise. Paper a, section 3, names them but shows them in a figure
alone: we take straight for upright."""

_SPREAD_DEG = 7.0


@dataclass(frozen=True, slots=True)
class Stitch:
    """One piece of thread on the cloth, between two holes.

    Attributes:
        x: middle, in pixels from the left.
        y: middle, in pixels from the top.
        turn: of the thread against x, clockwise, in radians.
        half_px: from the middle to an end, in pixels.
        radius_px: half of the thread's thickness, in pixels.
        phase: of the thread's twist, 0–1.
    """

    x: float
    y: float
    turn: float
    half_px: float
    radius_px: float
    phase: float


@dataclass(frozen=True, slots=True)
class _Seam:
    """What the stitches of one seam have in common; lengths in pixels, angles in radians."""

    turn: float
    spacing: float
    share: float
    radius: float
    slant: float
    bow: float
    wave: float
    phase: float


def lay(rng: Generator, direction: str, height: int, width: int) -> tuple[Stitch, ...]:
    """The stitches of a seam of one or two parallel rows, from border to border.

    Args:
        rng: source of randomness.
        direction: one of `DIRECTIONS`.
        height: rows of the picture, in pixels.
        width: columns of it.
    """
    seam = _seam(rng, direction)
    gap = rng.uniform(4.5, 8) * seam.radius
    rows = (0.0,) if rng.random() < 0.6 else (-gap / 2, gap / 2)
    aside = rng.uniform(-0.22, 0.22) * min(height, width)
    return tuple(stitch for row in rows for stitch in _row(rng, seam, aside + row, height, width))


def _seam(rng: Generator, direction: str) -> _Seam:
    middle = DIRECTIONS[direction][rng.integers(len(DIRECTIONS[direction]))]
    radius = rng.uniform(5.5, 10)
    return _Seam(
        turn=np.deg2rad(middle + rng.uniform(-_SPREAD_DEG, _SPREAD_DEG)),
        spacing=radius * rng.uniform(6.5, 9.5),
        share=rng.uniform(0.72, 0.84),
        radius=radius,
        slant=np.deg2rad(rng.choice((-1, 1)) * rng.uniform(1, 6)),
        bow=rng.uniform(0, 6),
        wave=rng.uniform(500, 1200),
        phase=rng.uniform(0, 2 * np.pi),
    )


def _row(rng: Generator, seam: _Seam, aside: float, height: int, width: int) -> Iterator[Stitch]:
    """The stitches of one row that runs `aside` pixels beside the picture's middle."""
    reach = np.hypot(height, width) / 2 + seam.spacing
    places = np.arange(-reach, reach, seam.spacing) + rng.uniform(0, seam.spacing)
    cos, sin, bend = np.cos(seam.turn), np.sin(seam.turn), 2 * np.pi / seam.wave
    for place, (along, across, turn, length, thickness) in zip(
        places, rng.standard_normal((len(places), 5)), strict=True
    ):
        s = place + 0.03 * seam.spacing * along
        t = aside + seam.bow * np.sin(bend * s + seam.phase) + 0.12 * seam.radius * across
        yield Stitch(
            x=width / 2 + s * cos - t * sin,
            y=height / 2 + s * sin + t * cos,
            turn=seam.turn + np.arctan(seam.bow * bend * np.cos(bend * s + seam.phase)) + seam.slant + 0.025 * turn,
            half_px=seam.spacing * seam.share / 2 * (1 + 0.04 * length),
            radius_px=seam.radius * (1 + 0.05 * thickness),
            phase=rng.random(),
        )
