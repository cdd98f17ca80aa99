"""Surfaces without a flaw, from filtered noise and periodic patterns. `textures.generate` puts them to use.

Every function takes a random generator and a side in pixels and gives a field, float32, (size, size): brightness of
about 0 (dark) to 1 (bright). Lighting, contrast and sensor noise come later.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Field = NDArray[np.float32]

_TURN = np.float32(2 * np.pi)


def noise(rng: Generator, size: int, cell: float, stretch: float = 1.0) -> Field:
    """Smooth noise, (size, size), mean about 0, deviation about 1.

    Args:
        rng: source of randomness.
        size: side of the result, in pixels.
        cell: length over which the noise changes, in pixels; 1 is white.
        stretch: how many times longer the noise is along x than along y.
    """
    rows, columns = (max(4, round(size / length) + 3) for length in (cell, cell * stretch))
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    if (rows, columns) != (size, size):
        coarse = _float(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))
    return coarse


def woven(rng: Generator, size: int) -> Field:
    """Plain weave: warp and weft threads that pass over and under each other."""
    x, y = _grid(rng, size, period=rng.uniform(9, 11), turn_deg=2, wander=0.08)
    column, row = np.floor(x), np.floor(y)
    warp_up = _phase(0.5 * column + 0.5 * row) < 0.25
    down, over = _hump(x - column), _hump(y - row)
    thread = down * over * 0.55 + 0.45 * np.where(warp_up, down, over)
    tone = np.where(warp_up, 0.10 + 0.07 * _per_line(rng, column), 0.07 * _per_line(rng, row))
    return _float(0.15 + tone + thread * (0.62 + 0.10 * noise(rng, size, 2)))


def twill(rng: Generator, size: int) -> Field:
    """Twill, as denim: slanted ribs, broken by the crossing threads."""
    x, y = _grid(rng, size, period=rng.uniform(8, 9.5), turn_deg=2, wander=0.10)
    rib = 0.5 + 0.5 * np.cos(_TURN * (x + 0.55 * y))
    crossing = 0.5 + 0.5 * np.cos(_TURN * (2 * y + 0.25 * np.sin(_TURN * x)))
    slub = noise(rng, size, 25, stretch=0.12)
    return _float(0.22 + 0.40 * rib * (0.55 + 0.45 * crossing) + 0.045 * slub + 0.06 * noise(rng, size, 2))


def knit(rng: Generator, size: int) -> Field:
    """Plain knitting: columns of V-shaped stitches."""
    x, y = _grid(rng, size, period=rng.uniform(19, 22), turn_deg=1.5, wander=0.06)
    leg = 2 * np.abs(_phase(x) - 0.5)
    height = 1.45 * y + 0.75 * leg
    yarn = _hump(_phase(height)) * (0.35 + 0.65 * np.sin(_TURN / 2 * np.clip(leg, 0.04, 0.96)))
    twist = np.cos(_TURN * (5 * height - 3 * leg))
    return _float(0.10 + 0.68 * yarn + 0.06 * twist * yarn + 0.06 * noise(rng, size, 2))


def brushed_metal(rng: Generator, size: int) -> Field:
    """Brushed metal: long fine lines along x."""
    fine = noise(rng, size, 1, stretch=90)
    coarse = noise(rng, size, 4, stretch=60)
    grains = _float(cv2.blur(noise(rng, size, 1), (9, 1)))
    return _float(0.5 + 0.085 * fine + 0.06 * coarse + 0.17 * grains)


def leather(rng: Generator, size: int) -> Field:
    """Leather: domed cells of uneven size between dark creases."""
    labels = cells(rng, size, spacing=rng.uniform(13, 16))
    edge = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) == 0
    depth = _float(cv2.distanceTransform(edge.astype(np.uint8), cv2.DIST_L2, 3))
    dome = 1 - np.exp(-_float(cv2.GaussianBlur(depth, (0, 0), 1.1)) / 2.2)
    lit = cv2.Sobel(dome, cv2.CV_32F, 1, 1, ksize=3)
    tone = 0.045 * np.sin(labels * 2.399)
    return _float(0.14 + 0.62 * dome - 0.35 * lit + tone + 0.05 * noise(rng, size, 2))


def granite(rng: Generator, size: int) -> Field:
    """Granite: pale ground with grey grains and dark flecks of several sizes."""
    ground = 0.62 + 0.09 * noise(rng, size, 9)
    grains = np.clip(1.8 * noise(rng, size, 6) - 0.5, 0, 1) * 0.26
    pale = np.clip(2.5 * noise(rng, size, 5) - 1.9, 0, 1) * 0.22
    flecks = np.clip(2.5 * noise(rng, size, 4) - 2.6, 0, 1) * 0.45
    return _float(ground - grains + pale - flecks + 0.06 * noise(rng, size, 2))


def wood(rng: Generator, size: int) -> Field:
    """Wood: wandering growth rings, cut lengthways, with fibres and dark pores along x."""
    y = np.arange(size, dtype=np.float32)[:, np.newaxis] / np.float32(rng.uniform(26, 34))
    rings = y + 0.55 * noise(rng, size, 90, stretch=3) + 0.05 * noise(rng, size, 12, stretch=10)
    phase = _phase(rings)
    late = phase * phase * phase
    fibres = noise(rng, size, 1.3, stretch=26)
    pores = np.clip(noise(rng, size, 1.6, stretch=11) - 1.7, 0, 1)
    return _float(0.62 - 0.26 * late + 0.055 * fibres - 0.40 * pores + 0.03 * noise(rng, size, 1.4))


def perforated(rng: Generator, size: int) -> Field:
    """Perforated sheet: round holes in staggered rows, each with a lit and a shaded rim."""
    period = rng.uniform(21, 24)
    x, y = _grid(rng, size, period, turn_deg=2, wander=0.01)
    row = np.floor(y / 0.866)
    dx = _phase(x + _phase(row / 2)) - 0.5
    dy = y - (row + 0.5) * 0.866
    distance = np.sqrt(dx * dx + dy * dy)
    plate = 1 / (1 + np.exp(-(distance - 0.26) * np.float32(period) * 1.6))
    rim = np.exp(-(((distance - 0.31) * 16) ** 2)) * (dx + dy) / (distance + 0.05)
    grain = 0.05 * noise(rng, size, 1.3) + 0.04 * noise(rng, size, 7)
    return _float(0.10 + 0.52 * plate - 0.13 * rim + grain * (0.3 + plate))


FIELDS: dict[str, Callable[[Generator, int], Field]] = {
    field.__name__: field for field in (woven, twill, knit, brushed_metal, leather, granite, wood, perforated)
}
"""Every texture by name."""


def _grid(rng: Generator, size: int, period: float, *, turn_deg: float, wander: float) -> tuple[Field, Field]:
    """Coordinates (x, y) in periods, slightly turned, shifted at random, wandering by `wander` periods."""
    turn = np.deg2rad(rng.uniform(-turn_deg, turn_deg))
    cos, sin = np.float32(np.cos(turn) / period), np.float32(np.sin(turn) / period)
    shift_x, shift_y = rng.uniform(0, 64, 2).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    across, down = axis[np.newaxis], axis[:, np.newaxis]
    x = across * cos - down * sin + shift_x + wander * noise(rng, size, 40)
    y = across * sin + down * cos + shift_y + wander * noise(rng, size, 40)
    return _float(x), _float(y)


def _phase(x: NDArray[np.floating]) -> Field:
    """The fraction of x above the whole number below it, 0 to 1; `np.mod` takes some 30 times as long."""
    return _float(x - np.floor(x))


def _hump(phase: Field) -> Field:
    """The round profile of a thread: 0 at phase 0 and 1, 1 in the middle."""
    return _float(np.sqrt(np.clip(4 * phase * (1 - phase), 0, 1)))


def _per_line(rng: Generator, line: Field) -> Field:
    """A brightness of its own, deviation 1, for every thread number."""
    return np.take(rng.standard_normal(1024, dtype=np.float32), line.astype(np.int32), mode="wrap")


def cells(rng: Generator, size: int, spacing: float) -> Field:
    """Voronoi cells around points of a disturbed grid: each pixel the number of its cell."""
    ticks = np.arange(0, size + spacing, spacing)
    points = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    points = np.clip(points + rng.uniform(-0.5, 0.5, points.shape) * spacing, 0, size - 1).astype(np.intp)
    free = np.ones((size, size), np.uint8)
    free[points[:, 1], points[:, 0]] = 0
    _, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    return _float(labels)


def _float(values: NDArray[np.generic]) -> Field:
    return values.astype(np.float32, copy=False)
