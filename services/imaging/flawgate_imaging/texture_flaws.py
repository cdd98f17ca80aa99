"""Flaws to put on a texture: what goes wrong within a small ellipse. `textures.generate` puts them to use.

Every function takes the surroundings of the flaw, a field, float32, (n, n), brightness about 0 to 1, and gives the
flawed field of the same shape. `reach` is the ellipse, float32, (n, n): 0 in its centre, 1 on its border.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_imaging.texture_fields import Field, noise


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Where a flaw is.

    Attributes:
        x: centre, in pixels from the left.
        y: centre, in pixels from the top.
        long_px: half of the long axis.
        short_px: half of the short axis.
        turn_deg: of the long axis against x, clockwise.
    """

    x: float
    y: float
    long_px: float
    short_px: float
    turn_deg: float

    def reach(self, left: int, top: int, size: int) -> Field:
        """Distance from the centre as a share of the radius, over the square window at (left, top)."""
        axis = np.arange(size, dtype=np.float32)
        dx, dy = axis[np.newaxis] + (left - self.x), axis[:, np.newaxis] + (top - self.y)
        turn = np.deg2rad(self.turn_deg)
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        return _float(np.hypot(along / self.long_px, across / self.short_px))


@dataclass(frozen=True, slots=True)
class Site:
    """What a flaw knows about its place.

    Attributes:
        field: the surroundings, float32, (n, n), brightness about 0 to 1.
        other: another piece of the same texture, float32, (2n, 2n).
        reach: float32, (n, n): 0 in the ellipse's centre, 1 on its border.
        ellipse: with its centre in the middle of the window.
    """

    field: Field
    other: Field
    reach: Field
    ellipse: Ellipse


def scratch(rng: Generator, site: Site) -> Field:
    """A thin bent line along the ellipse, darker or brighter, fading at its ends."""
    n = len(site.field)
    t = np.linspace(-0.85, 0.85, 24)
    bend = rng.uniform(-0.5, 0.5) * (1 - t * t) + rng.uniform(-0.3, 0.3) * t
    turn = np.deg2rad(site.ellipse.turn_deg)
    along, across = t * site.ellipse.long_px, bend * site.ellipse.short_px
    points = np.stack([along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)], -1)
    line = np.zeros((n, n), np.uint8)
    fixed_point = np.rint((points + n / 2) * 16).astype(np.int32)
    cv2.polylines(line, [fixed_point], isClosed=False, color=255, thickness=2, lineType=cv2.LINE_AA, shift=4)
    shape = _float(cv2.GaussianBlur(line, (0, 0), rng.uniform(0.5, 0.9))) / 255
    return _shift(rng, site, shape * _fade(site.reach, 0.75), low=2.4, high=3.6)


def stain(rng: Generator, site: Site) -> Field:
    """A patch that is darker or brighter and has lost some of the texture's contrast."""
    shape = _fade(site.reach + 0.15 * np.abs(noise(rng, len(site.reach), 7)), 0.55)
    local_mean = cv2.GaussianBlur(site.field, (0, 0), 6)
    flat = site.field + shape * rng.uniform(0.35, 0.75) * (local_mean - site.field)
    return _shift(rng, Site(flat, site.other, site.reach, site.ellipse), shape, low=0.9, high=1.6)


def disturbance(rng: Generator, site: Site) -> Field:
    """A patch where the texture runs on with another phase, scale, direction and contrast."""
    n = len(site.field)
    turn, scale = rng.choice((-1, 1)) * rng.uniform(25, 90), rng.choice((0.45, 0.55, 1.7, 2.0))
    matrix = cv2.getRotationMatrix2D((n, n), turn, scale) - np.array([[0, 0, n / 2], [0, 0, n / 2]])
    other = cv2.warpAffine(site.other, matrix, (n, n), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mean = float(site.field.mean())
    other = mean + rng.choice((0.5, 1.4)) * (other - mean)
    return _float(site.field + _fade(site.reach, 0.7) * (other - site.field))


def spots(rng: Generator, site: Site) -> Field:
    """Three to eight small round dots, all darker or all brighter."""
    n = len(site.field)
    shape = np.zeros((n, n), np.uint8)
    turn = np.deg2rad(site.ellipse.turn_deg)
    for _ in range(int(rng.integers(3, 9))):
        distance, angle = 0.55 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        along, across = (
            np.cos(angle) * distance * site.ellipse.long_px,
            np.sin(angle) * distance * site.ellipse.short_px,
        )
        x, y = along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)
        centre = (round((x + n / 2) * 16), round((y + n / 2) * 16))
        cv2.circle(shape, centre, round(rng.uniform(1.3, 2.8) * 16), 255, -1, cv2.LINE_AA, 4)
    return _shift(rng, site, _float(cv2.GaussianBlur(shape, (0, 0), 0.7)) / 255)


def wear(rng: Generator, site: Site) -> Field:
    """A patch where the texture is rubbed away: only its mean brightness is left, and some polish."""
    worn = cv2.GaussianBlur(site.field, (0, 0), rng.uniform(5, 7))
    shape = _fade(site.reach + 0.12 * np.abs(noise(rng, len(site.reach), 6)), 0.6) * rng.uniform(0.85, 1)
    polish = rng.uniform(0.05, 0.10)
    return _float(site.field + shape * (worn + polish + 0.02 * noise(rng, len(worn), 2) - site.field))


FLAWS: dict[str, Callable[[Generator, Site], Field]] = {
    flaw.__name__: flaw for flaw in (scratch, stain, disturbance, spots, wear)
}
"""Every kind of flaw by name."""


def _shift(rng: Generator, site: Site, shape: NDArray[np.floating], low: float = 1.9, high: float = 3.3) -> Field:
    """Darken or brighten by `low` to `high` deviations of the surroundings, but visibly on a flat one too."""
    amount = rng.choice((-1, 1)) * rng.uniform(low, high) * max(0.09, float(site.field.std()))
    return _float(site.field + amount * shape)


def _fade(reach: NDArray[np.floating], inner: float) -> Field:
    """1 up to `inner` of the radius, then smoothly down to 0 at the border."""
    t = np.clip((1 - reach) / (1 - inner), 0, 1)
    return _float(t * t * (3 - 2 * t))


def _float(values: NDArray[np.generic]) -> Field:
    return values.astype(np.float32, copy=False)
