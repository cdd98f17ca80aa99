"""A defect of one frame shown on another: as many surroundings for each as there are good frames.

Defects are rare and their surroundings rarer (35 cracks to learn from in KolektorSDD), good frames are plenty. Cut and
paste of labelled objects onto other pictures: Dwibedi 2017, "Cut, Paste and Learn"; here the light of the place is kept
and the defect may become fainter than any that was labelled.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_training.datasets.samples import Pixels

Frame = NDArray[np.float32]

_REACH_PX = 15.0
"""Standard deviation of the surroundings whose light counts, in pixels."""

_RIM_PX = 2.0
"""Standard deviation of the soft rim, in pixels."""

_MARGIN_PX = 3 * int(_REACH_PX)
_LEAST_WEIGHT = 1e-3


def transplanted(
    pixels: Pixels, mask: Pixels, good: Pixels, faintest: float, rng: Generator, sideways: float = 0.0
) -> tuple[Pixels, Pixels]:
    """Show the defects of a frame on a good frame of the same size.

    They move up or down by chance. Sideways only some do: a crack that runs to the rim of a part mostly still does.

    Args:
        pixels: the frame with defects, (H, W) or (H, W, 3), uint8, 0–255.
        mask: its classes, (H, W), uint8, 0 for background; some pixel is marked.
        good: the frame to show them on; where its size differs from the other's, nothing is transplanted.
        faintest: smallest share of its own contrast that a defect keeps, 0–1.
        rng: where the draws come from.
        sideways: how often the defects move left or right as well, 0–1.

    Returns:
        Pixels and mask, of the same kinds and shapes.
    """
    if good.shape != pixels.shape:
        return pixels, mask
    rows = np.flatnonzero(mask.any(axis=1))
    shift = int(rng.integers(-rows[0], len(mask) - rows[-1]))
    strength = rng.uniform(faintest, 1)
    if sideways and rng.random() < sideways:
        columns = np.flatnonzero(mask.any(axis=0))
        # Of what comes in again on the other side, nothing is marked, so nothing is shown.
        aside = int(rng.integers(-columns[0], mask.shape[1] - columns[-1]))
        pixels, mask = np.roll(pixels, aside, axis=1), np.roll(mask, aside, axis=1)
    # Only these rows are looked at: a whole frame would take ten times as long.
    first = max(rows[0] - _MARGIN_PX, 0, -shift)
    last = min(rows[-1] + 1 + _MARGIN_PX, len(mask), len(mask) - shift)
    donor, drawn = pixels[first:last].astype(np.float32), mask[first:last]
    place = slice(first + shift, last + shift)
    shown, classes = good.copy(), np.zeros_like(mask)
    classes[place] = drawn
    shown[place] = _mixed(donor, drawn, good[place].astype(np.float32), strength)
    return shown, classes


def _mixed(donor: Frame, drawn: Pixels, ground: Frame, strength: float) -> Pixels:
    """The ground, and over it the donor's defects in the light of the ground."""
    outside = (drawn == 0).astype(np.float32)
    fitted = donor * _light(ground, outside) / np.maximum(_light(donor, outside), 1.0)
    cover = cv2.GaussianBlur(1 - outside, (0, 0), _RIM_PX) * strength
    mixed = ground + _over(cover, ground) * (fitted - ground)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _light(frame: Frame, outside: Frame) -> Frame:
    """Mean of the surroundings of each pixel, defects left out."""
    weight = np.maximum(cv2.GaussianBlur(outside, (0, 0), _REACH_PX), _LEAST_WEIGHT)
    total = cv2.GaussianBlur(frame * _over(outside, frame), (0, 0), _REACH_PX)
    light: Frame = total / _over(weight, frame)
    return light


def _over(plane: Frame, frame: Frame) -> Frame:
    """A plane, (H, W), so that it multiplies a frame, (H, W) or (H, W, 3)."""
    return plane.reshape(plane.shape + (1,) * (frame.ndim - 2))
