"""The surface of a good hide: its grain, and what grew with the animal and does no harm. `hides.generate` uses it.

A surface is a relief rather than a picture: grain, wrinkles and defects meet in one height, under one light.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_imaging.texture_fields import Field, cells, noise

Points = NDArray[np.float64]
"""(k, 2) or (2,): x and y, in pixels."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A piece of leather before light falls on it.

    Attributes:
        height: float32, (n, n), in pixels, upwards.
        tone: float32, (n, n): share of the light that comes back, as a factor on the leather's colour; 1 is its mean.
        bare: float32, (n, n), 0–1: how far the dyed grain is gone, so that the pale fibres below show.
    """

    height: Field
    tone: Field
    bare: Field


def good(rng: Generator, size: int) -> Surface:
    """A surface without defects: one of the grains, with wrinkles, pores, veins and clouds of colour.

    Args:
        rng: source of randomness.
        size: side, in pixels.
    """
    grain = list(GRAINS.values())[rng.integers(len(GRAINS))](rng, size)
    height = grain + wrinkles(rng, size)
    pits = pores(rng, size)
    tone = 1 + rng.uniform(0.02, 0.06) * noise(rng, size, size / 4) + rng.uniform(0.01, 0.03) * noise(rng, size, 2)
    tone += rng.uniform(0.02, 0.06) * np.clip(grain / max(float(grain.std()), 1e-3), -2.5, 1)
    tone *= (1 - veins(rng, size)) * (1 - 0.25 * pits)
    return Surface(height - 0.6 * pits, float32(np.clip(tone, 0.4, 1.5)), np.zeros_like(height))


def pebbled(rng: Generator, size: int) -> Field:
    """Full grain or an embossed one: domed cells of uneven size between fine valleys; height in pixels."""
    spacing = rng.uniform(7, 12)
    labels = cells(rng, size, spacing)
    inside = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) == 0
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
    dome = 1 - np.exp(-cv2.GaussianBlur(depth, (0, 0), 0.09 * spacing) / np.float32(0.16 * spacing))
    return float32(rng.uniform(0.7, 1.3) * dome + 0.12 * noise(rng, size, 2.5))


def milled(rng: Generator, size: int) -> Field:
    """Milled leather: soft cushions of several sizes between valleys that wander and join; height in pixels."""
    cell = rng.uniform(6, 10)
    folds = np.minimum(np.abs(noise(rng, size, cell, stretch=1.3)), np.abs(noise(rng, size, cell, stretch=0.8)))
    cushions = np.sqrt(cv2.GaussianBlur(folds, (0, 0), 0.8))
    return float32(rng.uniform(0.6, 1.1) * cushions + 0.10 * noise(rng, size, 2.5))


def nappa(rng: Generator, size: int) -> Field:
    """Smooth leather: hardly any relief, of fine grains; height in pixels."""
    fine = np.abs(noise(rng, size, rng.uniform(3, 4)))
    return float32(rng.uniform(0.25, 0.45) * np.minimum(fine, 1) + 0.08 * noise(rng, size, 1.6))


GRAINS: dict[str, Callable[[Generator, int], Field]] = {grain.__name__: grain for grain in (pebbled, milled, nappa)}
"""Every grain by name."""


def wrinkles(rng: Generator, size: int) -> Field:
    """Growth wrinkles as on neck and belly, soft and all in one direction; height in pixels.

    Two hides of three have them. Their flanks are wide: the light plays over them, but nothing is sharp.
    """
    strength = max(0.0, rng.uniform(-0.5, 1.0))
    wide = round(1.5 * size)
    waves = noise(rng, wide, rng.uniform(30, 60), stretch=rng.uniform(4, 8))
    turn = cv2.getRotationMatrix2D((wide / 2, wide / 2), rng.uniform(0, 180), 1)
    turn[:, 2] = turn[:, 2] - (wide - size) / 2
    turned = cv2.warpAffine(waves, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return float32(strength * np.sqrt(turned * turned + np.float32(1.0)))


def pores(rng: Generator, size: int) -> Field:
    """Where hair grew: fine pits, in denser and thinner areas; 0–1, 1 in a pit's middle."""
    density = rng.uniform(0, 0.006)
    chance = density * np.clip(1 + 0.8 * noise(rng, size, 60), 0, None)
    pits = float32(rng.random((size, size), dtype=np.float32) < chance)
    return float32(np.minimum(cv2.GaussianBlur(pits, (0, 0), 0.8) * 3.5, 1))


def veins(rng: Generator, size: int) -> Field:
    """Blood vessels that show through, faint and blurred, two branches each: share of light that they take, 0–0.15."""
    drawn = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(0, 3))):
        trunk = walk(rng, rng.uniform(0, size, 2), rng.uniform(0, 360), 1.2 * size)
        branches = [walk(rng, trunk[rng.integers(len(trunk))], rng.uniform(0, 360), 0.5 * size) for _ in range(2)]
        for path, width in ((trunk, 5), *((branch, 3) for branch in branches)):
            cv2.polylines(drawn, [np.rint(path).astype(np.int32)], isClosed=False, color=255, thickness=width)
    return float32(cv2.GaussianBlur(drawn, (0, 0), 4) * np.float32(rng.uniform(0.05, 0.15) / 255))


def walk(rng: Generator, start: Points, heading_deg: float, length_px: float, bend_deg: float = 3.0) -> Points:
    """A line that wanders, a point at every pixel of its length.

    Args:
        rng: source of randomness.
        start: (x, y), in pixels.
        heading_deg: against x, clockwise.
        length_px: of the line.
        bend_deg: deviation of the change of heading over 10 pixels.

    Returns:
        (k, 2), x and y in pixels, within the picture or not.
    """
    steps = max(2, round(length_px))
    knots = np.cumsum(rng.normal(0, bend_deg, steps // 10 + 2))
    heading = np.deg2rad(heading_deg + np.interp(np.arange(steps) / 10, np.arange(len(knots)), knots))
    return np.asarray(start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], -1), axis=0), np.float64)


def float32(values: NDArray[np.generic]) -> Field:
    """The same as float32, copied only where it is not yet."""
    return values.astype(np.float32, copy=False)
