"""How good a picture is: what is measured, and what is refused for which reason."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.recipe import QualityLimits
from flawgate_imaging.quality import Measures, Refusal, measure, refusal

GOOD = Measures(mean=0.5, dark_share=0.1, bright_share=0.1, focus=40.0)
LIMITS = QualityLimits(
    min_mean=0.25, max_mean=0.75, max_dark_share=0.2, max_bright_share=0.2, min_focus=10, refuse_repeats=True
)


def filled(*value: int) -> NDArray[np.uint8]:
    """A picture of 6×8 pixels of one grey value, or colour."""
    shape = (6, 8) if len(value) == 1 else (6, 8, 3)
    return np.full(shape, value, np.uint8)


def halves(left: int, right: int) -> NDArray[np.uint8]:
    """A grey picture of 6×8 pixels in two halves."""
    pixels = filled(left)
    pixels[:, 4:] = right
    return pixels


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (filled(51), Measures(0.2, 0.0, 0.0, 0.0)),
        (filled(0), Measures(0.0, 1.0, 0.0, 0.0)),
        (filled(255), Measures(1.0, 0.0, 1.0, 0.0)),
        (filled(255, 0, 0), Measures(0.298039, 0.0, 0.0, 0.0)),
        (halves(5, 250), Measures(0.5, 0.5, 0.5, 15006.25)),
        (halves(6, 249), Measures(0.5, 0.0, 0.0, 14762.25)),
    ],
    ids=["grey", "black", "white", "red by its luma", "at the bounds", "inside of them"],
)
def test_measures_are_those_of_arithmetic(pixels: NDArray[np.uint8], expected: Measures) -> None:
    """Mean, shares and focus of pictures simple enough to be worked out by hand, on either side of dark and bright."""
    assert measure(pixels) == expected


def test_focus_is_the_variance_of_the_laplacian() -> None:
    """In whole numbers, under (0 1 0, 1 -4 1, 0 1 0), the picture mirrored at its border."""
    pixels = np.random.default_rng(3).integers(0, 256, (63, 40), dtype=np.uint8)
    padded = np.pad(pixels.astype(np.int64), 1, mode="reflect")
    across, down = padded[1:-1, :-2] + padded[1:-1, 2:], padded[:-2, 1:-1] + padded[2:, 1:-1]
    assert measure(pixels).focus == pytest.approx((across + down - 4 * padded[1:-1, 1:-1]).var(), abs=1e-6)


def test_what_is_blurred_has_less_focus_and_the_same_light() -> None:
    """The measure tells sharp from soft, each step of it, and not bright from dark."""
    sharp = np.random.default_rng(4).integers(60, 200, (64, 64), dtype=np.uint8)
    blurred = [measure(cv2.GaussianBlur(sharp, (0, 0), sigma).astype(np.uint8)) for sigma in (0.5, 1, 2)]
    focus = [measure(sharp).focus, *(soft.focus for soft in blurred)]
    assert focus == sorted(focus, reverse=True)
    assert [soft.mean for soft in blurred] == pytest.approx([measure(sharp).mean] * 3, abs=0.005)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 1, 3), (2, 3, 3)])
def test_the_smallest_pictures_are_measured(shape: tuple[int, ...]) -> None:
    """One pixel has light, though no edge."""
    measures = measure(np.full(shape, 102, np.uint8))
    assert measures == Measures(0.4, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("measures", "repeats", "reason"),
    [
        (GOOD, False, None),
        (Measures(0.25, 0.2, 0.2, 10.0), False, None),
        (Measures(0.75, 0.2, 0.2, 10.0), False, None),
        (replace(GOOD, mean=0.249999), False, Refusal.TOO_DARK),
        (replace(GOOD, dark_share=0.200001), False, Refusal.TOO_DARK),
        (replace(GOOD, mean=0.750001), False, Refusal.TOO_BRIGHT),
        (replace(GOOD, bright_share=0.200001), False, Refusal.TOO_BRIGHT),
        (replace(GOOD, focus=9.999999), False, Refusal.OUT_OF_FOCUS),
        (GOOD, True, Refusal.FROZEN),
        (Measures(0.0, 1.0, 0.0, 0.0), True, Refusal.BLACK),
        (replace(GOOD, mean=0.1, focus=0.0), True, Refusal.FROZEN),
        (replace(GOOD, mean=0.1, focus=0.0), False, Refusal.TOO_DARK),
        (replace(GOOD, bright_share=0.9, focus=0.0), False, Refusal.TOO_BRIGHT),
    ],
)
def test_a_picture_outside_of_the_limits_is_refused(
    *, measures: Measures, repeats: bool, reason: Refusal | None
) -> None:
    """At a limit it passes; of several faults, the one that explains the others is named."""
    assert refusal(measures, LIMITS, repeats=repeats) is reason


@pytest.mark.parametrize(
    ("measures", "reason"),
    [(Measures(1.0, 0.0, 1.0, 0.0), None), (measure(filled(6)), None), (measure(filled(5)), Refusal.BLACK)],
    ids=["white", "almost black", "black"],
)
def test_open_limits_refuse_a_black_picture_alone(measures: Measures, reason: Refusal | None) -> None:
    """Whoever limits nothing in particular still never judges a covered lens; repeats are taken."""
    assert refusal(measures, QualityLimits(), repeats=True) is reason


def test_one_lit_pixel_is_not_black() -> None:
    """Black means all of it: a part lit from the side may show as little as one edge."""
    pixels = filled(0)
    pixels[2, 3] = 6
    assert refusal(measure(pixels), QualityLimits()) is None
