"""What is wrong with a hide: on the living animal, in the slaughterhouse or on the table. `hides.generate` uses it.

Every function takes a good surface and gives a defective one and where the defect is: float32, (n, n), 0–1.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from flawgate_imaging.hide_grain import Points, Surface, float32, walk
from flawgate_imaging.texture_fields import Field, noise

_NOWHERE = 1e3
_SHADOW = 0.13


def scar(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """A healed wound, as of barbed wire: a raised, smooth and paler ridge with uneven edges."""
    size = len(surface.height)
    distance, along = _line(rng, size, rng.uniform(90, 200), bend_deg=5)
    width = rng.uniform(5, 9) * (0.35 + 0.65 * np.sin(np.pi * along)) * (1 + 0.25 * noise(rng, size, 12))
    shape = _inside(distance, width, edge=1.2)
    smooth = cv2.GaussianBlur(surface.height, (0, 0), 5)
    ridge = smooth + rng.uniform(2.2, 3.6) * (1 - np.minimum(distance / np.maximum(width, 1), 1) ** 2)
    height = surface.height + shape * (ridge - surface.height)
    bare = np.maximum(surface.bare, rng.uniform(0.2, 0.5) * shape)
    return Surface(float32(height), surface.tone, float32(bare)), shape


def fold(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """A crease that stays when the hide lies flat: a sharp, deep valley between two swollen flanks."""
    size = len(surface.height)
    distance, along = _line(rng, size, rng.uniform(160, 400), bend_deg=2.5)
    depth = np.sqrt(np.clip(np.sin(np.pi * along), 0, 1)) * (1 + 0.15 * noise(rng, size, 20))
    width = rng.uniform(1.6, 2.6)
    valley, flanks = np.exp(-((distance / width) ** 2)), np.exp(-(((distance - 3.5 * width) / (2.5 * width)) ** 2))
    height = surface.height + depth * (rng.uniform(1.0, 1.8) * flanks - rng.uniform(3, 5) * valley)
    tone = surface.tone * (1 - rng.uniform(0.3, 0.5) * depth * valley)
    return replace(surface, height=float32(height), tone=float32(tone)), _inside(distance, 1.5 * width * depth, edge=1)


def hole(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """One to three holes, of a butcher's knife or a nail: ragged, dark within, with a rim of pale fibres."""
    size = len(surface.height)
    distance = np.full((size, size), _NOWHERE, np.float32)
    for x, y in _near(rng, size, count=int(rng.integers(1, 4)), spread_px=60):
        distance = np.minimum(distance, _from(rng, size, x, y) - rng.uniform(6, 16))
    distance += 1.2 * noise(rng, size, 6)
    open_, rim = _inside(distance, 0, edge=0.8), _inside(np.abs(distance - 1), 1.8, edge=1)
    height = (surface.height + rng.uniform(0.8, 1.5) * np.exp(-((distance / 4) ** 2))) * (1 - open_)
    tone = surface.tone + open_ * (_SHADOW - surface.tone)
    bare = np.maximum(surface.bare, 0.7 * rim) * (1 - open_)
    return Surface(float32(height), float32(tone), float32(bare)), np.maximum(open_, rim)


def scratch(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """Two to four scratches side by side, as of a thorn or a claw: thin, torn, pale where the grain is gone."""
    size = len(surface.height)
    lines = int(rng.integers(2, 5))
    first = _path(rng, size, rng.uniform(100, 260), bend_deg=2)
    turn, gap = rng.uniform(0, 2 * np.pi), rng.uniform(6, 14)
    height, bare, everywhere = surface.height, surface.bare, np.zeros_like(surface.height)
    for number in range(lines):
        moved = first + number * gap * np.array([np.cos(turn), np.sin(turn)]) + rng.uniform(-1, 1, 2)
        begin, end = (int(share * len(first)) for share in (rng.uniform(0, 0.25), rng.uniform(0.75, 1)))
        distance, along = _beside(size, moved[begin:end])
        width = rng.uniform(2.0, 3.2) * (0.5 + 0.5 * np.sin(np.pi * along))
        cut = _inside(distance, width, edge=0.8)
        height = height - rng.uniform(2.0, 3.2) * cut
        bare = np.maximum(bare, rng.uniform(0.55, 0.95) * cut * (0.75 + 0.25 * noise(rng, size, 5)))
        everywhere = np.maximum(everywhere, cut)
    return Surface(float32(height), surface.tone, float32(np.clip(bare, 0, 1))), float32(everywhere)


def bites(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """A swarm of insect bites or tick marks: small craters with a raised rim, darker in the middle."""
    size = len(surface.height)
    distance = np.full((size, size), _NOWHERE, np.float32)
    for x, y in _near(rng, size, count=int(rng.integers(8, 18)), spread_px=rng.uniform(30, 75)):
        distance = np.minimum(distance, _from(rng, size, x, y) - rng.uniform(3, 5.5))
    pit, rim = _inside(distance, 0, edge=1.2), np.exp(-(((distance - 1.5) / 1.8) ** 2))
    height = surface.height - rng.uniform(2.2, 3.4) * pit + rng.uniform(1.0, 1.7) * rim
    tone = surface.tone * (1 - rng.uniform(0.35, 0.6) * pit)
    return replace(surface, height=float32(height), tone=float32(tone)), _inside(distance, 2, edge=1)


def stain(rng: Generator, surface: Surface) -> tuple[Surface, Field]:
    """A dried drop of blood, dung or rust: a ragged darker blotch with a darker seam."""
    size = len(surface.height)
    ((x, y),) = _near(rng, size, count=1, spread_px=0)
    distance = _from(rng, size, x, y) - rng.uniform(18, 50)
    distance += 7 * noise(rng, size, 28) + 1.5 * noise(rng, size, 7)
    shape, seam = _inside(distance, 0, edge=1.5), np.exp(-(((distance + 2) / 2) ** 2))
    darker = rng.uniform(0.35, 0.55) * shape + rng.uniform(0.1, 0.25) * seam
    return replace(surface, tone=float32(surface.tone * (1 - darker))), shape


DEFECTS: dict[str, Callable[[Generator, Surface], tuple[Surface, Field]]] = {
    defect.__name__: defect for defect in (scar, fold, hole, scratch, bites, stain)
}
"""Every kind of defect by name."""


def _path(rng: Generator, size: int, length_px: float, bend_deg: float) -> Points:
    """A wandering line whose middle lies well within the picture; its ends may run out of it."""
    middle = rng.uniform(0.25 * size, 0.75 * size, 2)
    points = walk(rng, np.zeros(2), rng.uniform(0, 360), length_px, bend_deg)
    return np.asarray(points - points[len(points) // 2] + middle, np.float64)


def _line(rng: Generator, size: int, length_px: float, bend_deg: float) -> tuple[Field, Field]:
    return _beside(size, _path(rng, size, length_px, bend_deg))


def _beside(size: int, path: Points) -> tuple[Field, Field]:
    """Of every pixel the distance to a line, in pixels, and how far along the line its nearest point is, 0–1."""
    pixels = np.rint(path).astype(np.intp)
    within = ((pixels >= 0) & (pixels < size)).all(axis=1)
    columns, rows = pixels[within].T
    free = np.ones((size, size), np.uint8)
    free[rows, columns] = 0
    distance, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    along = np.zeros(int(labels.max()) + 1, np.float32)
    along[labels[rows, columns]] = np.linspace(0, 1, len(path), dtype=np.float32)[within]
    return float32(cv2.GaussianBlur(distance, (0, 0), 0.7)), np.take(along, labels.astype(np.intp))


def _near(rng: Generator, size: int, *, count: int, spread_px: float) -> Points:
    """Places around one that lies well within the picture, (count, 2), x and y in pixels."""
    middle = rng.uniform(0.15 * size, 0.85 * size, 2)
    return np.clip(middle + rng.normal(0, spread_px / 2, (count, 2)), 20, size - 20)


def _from(rng: Generator, size: int, x: float, y: float) -> Field:
    """Distance from a place, in pixels, along slightly stretched axes: circles about it are ovals."""
    axis = np.arange(size, dtype=np.float32)
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.4)
    dx, dy = axis[np.newaxis] - np.float32(x), axis[:, np.newaxis] - np.float32(y)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return float32(np.hypot((dx * cos + dy * sin) * np.float32(stretch), (dy * cos - dx * sin) / np.float32(stretch)))


def _inside(distance: Field, width: Field | float, edge: float) -> Field:
    """1 where the distance is less than the width, 0 beyond, smooth over an edge of so many pixels."""
    t = np.clip((width - distance) / np.float32(2 * edge) + np.float32(0.5), 0, 1)
    return float32(t * t * (3 - 2 * t))
