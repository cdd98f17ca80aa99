import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from pydantic import ValidationError

from flawgate_contracts.steps import STEPS, Colour, Contour, Edges, Grey, Laplacian, MedianBlur, Sobel, Step
from flawgate_imaging.pipeline import apply

Pixels = NDArray[np.uint8]

RGB = np.random.default_rng(5).integers(0, 256, (63, 40, 3), dtype=np.uint8)
GREY = np.ascontiguousarray(RGB[..., 0])
SOFT = cv2.GaussianBlur(RGB, (0, 0), 3).astype(np.uint8)
"""Slopes so gentle that no filter clips them."""

FILTERS: tuple[Step, ...] = (
    MedianBlur(size=5),
    Sobel(),
    Sobel(combine="hypot"),
    Laplacian(),
    Edges(),
    Edges(combine="hypot"),
    Contour(),
)


def filtered(pixels: Pixels, step: Step) -> Pixels:
    """What one step makes of the pixels."""
    return apply(pixels, (step,)).pixels


def correlated(plane: Pixels, kernel: list[list[int]]) -> NDArray[np.int64]:
    """The sum under a 3×3 kernel, in whole numbers, the picture mirrored at its border (without repeating it)."""
    padded = np.pad(plane.astype(np.int64), 1, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    result: NDArray[np.int64] = np.einsum("hwij,ij->hw", windows, np.array(kernel))
    return result


def slopes(plane: Pixels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sobel's derivatives along x and y."""
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return correlated(plane, kernel.tolist()), correlated(plane, kernel.T.tolist())


def clipped(strength: NDArray[np.int64] | NDArray[np.float64]) -> Pixels:
    """As uint8; what is above 255 is 255."""
    return np.minimum(strength, 255).astype(np.uint8)


def test_grey_weighs_the_channels() -> None:
    """Grey is 0.299 R + 0.587 G + 0.114 B, rounded to the nearest level."""
    exact = RGB @ np.array([0.299, 0.587, 0.114])
    assert np.abs(exact - filtered(RGB, Grey())).max() <= 0.501


def test_grey_of_grey_and_colour_of_colour_change_nothing() -> None:
    """A step that asks for what is already there passes the pixels."""
    np.testing.assert_array_equal(GREY, filtered(GREY, Grey()))
    np.testing.assert_array_equal(RGB, filtered(RGB, Colour()))


def test_colour_repeats_grey() -> None:
    """Grey becomes three equal channels."""
    np.testing.assert_array_equal(np.stack([GREY] * 3, -1), filtered(GREY, Colour()))


@pytest.mark.parametrize("size", [3, 5, 15, 31])
def test_median_blur_takes_the_median_of_the_square(size: int) -> None:
    """Each pixel is the median of the size × size pixels around it, the outermost pixels repeated beyond the border."""
    padded = np.pad(GREY, size // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    np.testing.assert_array_equal(
        np.median(windows, axis=(2, 3)).astype(np.uint8), filtered(GREY, MedianBlur(size=size))
    )


@pytest.mark.parametrize("size", [1, 2, 4, 32, 33])
def test_median_blur_refuses_other_sizes(size: int) -> None:
    """A square around a pixel has an odd side, of 3 to 31 pixels."""
    with pytest.raises(ValidationError, match="size"):
        STEPS.validate_python([{"op": "median_blur", "size": size}])


@pytest.mark.parametrize("plane", [GREY, SOFT[..., 1]], ids=["noise", "soft"])
def test_sobel_adds_or_measures_the_slopes(plane: Pixels) -> None:
    """The sum is |Sx| + |Sy|, hypot the rounded length, both clipped at 255."""
    x, y = slopes(plane)
    np.testing.assert_array_equal(clipped(np.abs(x) + np.abs(y)), filtered(plane, Sobel()))
    np.testing.assert_array_equal(clipped(np.rint(np.hypot(x, y))), filtered(plane, Sobel(combine="hypot")))


@pytest.mark.parametrize("plane", [GREY, SOFT[..., 1]], ids=["noise", "soft"])
def test_laplacian_is_absolute(plane: Pixels) -> None:
    """The absolute value under (2 0 2, 0 -8 0, 2 0 2), clipped at 255."""
    expected = clipped(np.abs(correlated(plane, [[2, 0, 2], [0, -8, 0], [2, 0, 2]])))
    np.testing.assert_array_equal(expected, filtered(plane, Laplacian()))


@pytest.mark.parametrize("plane", [GREY, SOFT[..., 1]], ids=["noise", "soft"])
def test_edges_add_sobel_and_laplacian(plane: Pixels) -> None:
    """The combination clips the sum of both, not the sum of what was clipped."""
    x, y = slopes(plane)
    second = np.abs(correlated(plane, [[2, 0, 2], [0, -8, 0], [2, 0, 2]]))
    np.testing.assert_array_equal(clipped(np.abs(x) + np.abs(y) + second), filtered(plane, Edges()))
    np.testing.assert_array_equal(clipped(np.rint(np.hypot(x, y)) + second), filtered(plane, Edges(combine="hypot")))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 5), (9, 2), (3, 3), (63, 40), (200, 301)])
@pytest.mark.parametrize("channels", [1, 3])
def test_contour_is_pillows(size: tuple[int, int], channels: int) -> None:
    """Random pictures, grey and colour, come out as from Pillow to the last pixel, borders and tiny sizes included."""
    rng = np.random.default_rng(sum(size))
    shape = size if channels == 1 else (*size, channels)
    noise = rng.integers(0, 256, shape, dtype=np.uint8)
    for pixels in (noise, (noise // 16 + 120).astype(np.uint8)):
        expected = np.asarray(Image.fromarray(pixels).filter(ImageFilter.CONTOUR))
        np.testing.assert_array_equal(expected, filtered(pixels, Contour()))


@pytest.mark.parametrize("step", FILTERS, ids=repr)
def test_colour_is_filtered_channel_by_channel(step: Step) -> None:
    """RGB gives what its three channels give as grey pictures."""
    np.testing.assert_array_equal(
        np.stack([filtered(RGB[..., i].copy(), step) for i in range(3)], -1), filtered(RGB, step)
    )


@pytest.mark.parametrize("step", FILTERS, ids=repr)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1, 3), (2, 2, 3)], ids=repr)
def test_filters_keep_the_size(step: Step, shape: tuple[int, ...]) -> None:
    """Even of a picture smaller than the kernel, as many pixels come out as went in, uint8."""
    pixels = np.full(shape, 90, np.uint8)
    assert (shape, np.dtype(np.uint8)) == (filtered(pixels, step).shape, filtered(pixels, step).dtype)


def test_the_leather_papers_way_draws_a_scratch_dark_on_white() -> None:
    """Median blur, edges, contour (paper e): even leather becomes white, and the border of a fold stands out dark."""
    leather = np.full((60, 60), 120, np.uint8)
    leather[20:40, 20:40] = 60
    leather[5, 5] = 255  # one bad pixel of the sensor
    drawn = apply(leather, (MedianBlur(size=5), Edges(), Contour())).pixels
    assert (drawn[5, 5], drawn[30, 30]) == (255, 255)
    assert drawn[18:42, 18:42].min() == 0
