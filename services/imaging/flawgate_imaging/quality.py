"""How good a picture is, whatever it shows: exposure and focus, measured on the frame as it came, held against limits.

Services, the camera agent and `flawgate export` call the same two functions, so they cannot differ.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.recipe import QualityLimits

DARK = 5
"""A pixel is dark up to this, 0–255."""

BRIGHT = 250
"""A pixel is bright from this upwards, 0–255."""

DECIMALS = 6
"""Measures are rounded to this before they are compared: what is shown is what decided."""


class Refusal(StrEnum):
    """Why a picture is not shown to any model: the reason of an inspection that is NOT_DECIDABLE."""

    BLACK = "PICTURE_BLACK"
    FROZEN = "PICTURE_FROZEN"
    TOO_DARK = "PICTURE_TOO_DARK"
    TOO_BRIGHT = "PICTURE_TOO_BRIGHT"
    OUT_OF_FOCUS = "PICTURE_OUT_OF_FOCUS"


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of a picture; of RGB, of its luma (ITU-R BT.601). Rounded to `DECIMALS`."""

    mean: float
    """Of the pixels, 0 (black) to 1 (white)."""
    dark_share: float
    """Share of the pixels that are at most `DARK`, 0 to 1."""
    bright_share: float
    """Share of the pixels that are at least `BRIGHT`, 0 to 1."""
    focus: float
    """Variance of the Laplacian of the pixels 0–255, 0 upwards: the sharper the higher."""


def measure(pixels: NDArray[np.uint8]) -> Measures:
    """Measure all of a picture: 0.4 ms for 500×1254 grey pixels, 10 ms for 12 million, on one core.

    The focus is that of Pech-Pacheco et al. 2000 ("Diatom autofocusing in brightfield microscopy"), under the kernel
    (0 1 0, 1 -4 1, 0 1 0), the picture mirrored at its border.

    Args:
        pixels: grey (H, W) or RGB (H, W, 3), uint8, 0–255, at least one pixel.
    """
    plane = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return Measures(
        mean=round(cv2.mean(plane)[0] / 255, DECIMALS),
        dark_share=_share(plane, DARK, cv2.THRESH_BINARY_INV),
        bright_share=_share(plane, BRIGHT - 1, cv2.THRESH_BINARY),
        focus=_focus(plane),
    )


def refusal(measures: Measures, limits: QualityLimits, *, repeats: bool = False) -> Refusal | None:
    """Why a picture must not be judged; None where it may be.

    Args:
        measures: of the frame as it came, before any step.
        limits: of the recipe. A black picture, `dark_share` 1, is refused by any.
        repeats: whether its camera's frame before had the very same bytes.
    """
    if measures.dark_share >= 1:
        return Refusal.BLACK
    if repeats and limits.refuse_repeats:
        return Refusal.FROZEN
    if _below(measures.mean, limits.min_mean) or _above(measures.dark_share, limits.max_dark_share):
        return Refusal.TOO_DARK
    if _above(measures.mean, limits.max_mean) or _above(measures.bright_share, limits.max_bright_share):
        return Refusal.TOO_BRIGHT
    return Refusal.OUT_OF_FOCUS if _below(measures.focus, limits.min_focus) else None


def _share(plane: cv2.typing.MatLike, level: int, side: int) -> float:
    """Of the pixels above a level, or of those up to it."""
    _, marked = cv2.threshold(plane, level, 255, side)
    return round(cv2.countNonZero(marked) / plane.size, DECIMALS)


def _focus(plane: cv2.typing.MatLike) -> float:
    """By the sums of values and squares: a quarter of the time of `cv2.meanStdDev`, and exact, for both are whole."""
    edges = cv2.Laplacian(plane, cv2.CV_16S, ksize=1)
    mean = cv2.sumElems(edges)[0] / edges.size
    return round(max(0.0, cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - mean**2), DECIMALS)


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
