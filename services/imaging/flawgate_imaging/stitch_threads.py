"""Draws stitches: thread with its twist and its light, the holes at its ends, its shadow. `stitches` puts it to use."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_imaging.stitch_seams import Stitch
from flawgate_imaging.texture_fields import Field, noise

_LAMP = np.array([-0.5, -0.62], np.float32)
"""Where the light comes from, as seen from the cloth: from the upper left."""

_FUZZ_PX = 256


@dataclass(frozen=True)
class Sewn:
    """What stitches do to a picture of cloth. All (H, W), float32.

    Attributes:
        cover: share of a pixel that thread covers, 0–1.
        tone: brightness of the thread there, about 0.2–1.2.
        shade: what holes and shadows leave of the cloth's light, 0–1.
    """

    cover: Field
    tone: Field
    shade: Field

    @classmethod
    def nothing(cls, height: int, width: int) -> Self:
        """Bare cloth, `height` × `width` pixels."""
        shape = (height, width)
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.ones(shape, np.float32))


def sew(rng: Generator, stitches: tuple[Stitch, ...], height: int, width: int) -> Sewn:
    """Draw stitches, one after the other, onto `height` × `width` pixels; what lies outside is left out."""
    sewn = Sewn.nothing(height, width)
    fuzz = noise(rng, _FUZZ_PX, 2.2)
    for stitch in stitches:
        window = _window(stitch, height, width)
        if window is not None:
            _draw(stitch, sewn, window, fuzz)
    return sewn


def _window(stitch: Stitch, height: int, width: int) -> tuple[slice, slice] | None:
    """Rows and columns around a stitch and its shadow; None where it lies outside the picture."""
    reach = stitch.half_px + 2 * stitch.radius_px
    across = abs(np.cos(stitch.turn)) * reach + 2 * stitch.radius_px
    down = abs(np.sin(stitch.turn)) * reach + 2 * stitch.radius_px
    left, right = max(0, int(stitch.x - across)), min(width, int(stitch.x + across) + 1)
    top, bottom = max(0, int(stitch.y - down)), min(height, int(stitch.y + down) + 1)
    return np.s_[top:bottom, left:right] if left < right and top < bottom else None


def _draw(stitch: Stitch, sewn: Sewn, window: tuple[slice, slice], fuzz: Field) -> None:
    row, column = np.ogrid[window]
    x, y = _float(column - stitch.x), _float(row - stitch.y)
    along, across = _turned(stitch, x, y)
    rough = fuzz[row % _FUZZ_PX, column % _FUZZ_PX]
    cover = _float(np.clip(0.5 - _outside(stitch, along, across) + 0.35 * rough, 0, 1))
    np.copyto(sewn.tone[window], _tone(stitch, along, across) + 0.04 * rough, where=cover >= sewn.cover[window])
    np.maximum(sewn.cover[window], cover, out=sewn.cover[window])
    sewn.shade[window] *= _holes(stitch, along, across) * _shadow(stitch, x, y)


def _turned(stitch: Stitch, x: Field, y: Field) -> tuple[Field, Field]:
    """Distances from the stitch's middle, in pixels, along its thread and across it."""
    cos, sin = np.float32(np.cos(stitch.turn)), np.float32(np.sin(stitch.turn))
    return x * cos + y * sin, y * cos - x * sin


def _outside(stitch: Stitch, along: Field, across: Field) -> Field:
    """Distance from the thread's edge, in pixels; negative within. The thread narrows where it enters the cloth."""
    place = np.abs(along) / np.float32(stitch.half_px)
    radius = np.float32(stitch.radius_px) * (1 - 0.3 * np.minimum(place, 1) ** 4)
    beyond = np.maximum(np.abs(along) - np.float32(stitch.half_px - 0.7 * stitch.radius_px), 0)
    return _float(np.hypot(beyond, across) - radius)


def _tone(stitch: Stitch, along: Field, across: Field) -> Field:
    """Light on a round thread of twisted plies that dips into the cloth at its ends."""
    side = np.clip(across / np.float32(stitch.radius_px), -1, 1)
    up = np.sqrt(1 - side * side)
    lamp = np.float32(_LAMP @ (-np.sin(stitch.turn), np.cos(stitch.turn)))
    ply = along / np.float32(1.5 * stitch.radius_px) + 0.45 * side + np.float32(stitch.phase)
    groove = np.abs(np.sin(np.float32(np.pi) * ply))
    dip = np.clip(np.abs(along) / np.float32(stitch.half_px) - 0.62, 0, 1) / 0.38
    round_light = 0.5 + 0.45 * up + 0.32 * lamp * side
    return _float(round_light * (0.74 + 0.34 * np.sqrt(groove)) * (1 - 0.45 * dip * dip))


def _holes(stitch: Stitch, along: Field, across: Field) -> Field:
    """What the needle's holes at both ends leave of the light, 0–1."""
    radius = np.float32(stitch.radius_px)
    distance = np.hypot(np.abs(along) - np.float32(stitch.half_px), across) / radius
    return _float(1 - 0.65 * np.clip(1.25 - distance, 0, 1))


def _shadow(stitch: Stitch, x: Field, y: Field) -> Field:
    """What the thread's own shadow leaves of the light, 0–1."""
    shift_x, shift_y = 0.55 * stitch.radius_px * _LAMP
    distance = _outside(stitch, *_turned(stitch, x + shift_x, y + shift_y)) / np.float32(stitch.radius_px)
    return _float(1 - 0.55 * np.clip(0.55 - distance, 0, 1))


def _float(values: NDArray[np.generic]) -> Field:
    return values.astype(np.float32, copy=False)
