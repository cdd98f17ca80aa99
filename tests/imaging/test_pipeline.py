from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.steps import Colour, Grey, Resize, Step
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.pipeline import _STEPS, INTERPOLATIONS, apply, to_tensor

RGB = np.random.default_rng(5).integers(0, 256, (63, 40, 3), dtype=np.uint8)
GREY = np.ascontiguousarray(RGB[..., 0])


def test_every_step_of_the_contract_is_carried_out() -> None:
    """The table names exactly the members of the contract's union, so no recipe can name a step that is not there."""
    assert set(get_args(get_args(Step)[0])) == set(_STEPS)


def test_every_interpolation_of_the_contract_is_known() -> None:
    """`linear`, `area` and `nearest` each have their OpenCV flag, and nothing else has one."""
    assert set(get_args(Resize.model_fields["interpolation"].annotation)) == set(INTERPOLATIONS)


def test_no_step_gives_the_frame_itself() -> None:
    """Without steps the pixels pass unchanged, with the identity as geometry."""
    prepared = apply(RGB, ())
    np.testing.assert_array_equal(RGB, prepared.pixels)
    assert Geometry.identity(40, 63) == prepared.geometry


def test_grey_weighs_the_channels() -> None:
    """Grey is 0.299 R + 0.587 G + 0.114 B, rounded to the nearest level."""
    exact = RGB @ np.array([0.299, 0.587, 0.114])
    assert np.abs(exact - apply(RGB, (Grey(),)).pixels).max() <= 0.501


def test_grey_of_grey_and_colour_of_colour_change_nothing() -> None:
    """A step that asks for what is already there passes the pixels."""
    np.testing.assert_array_equal(GREY, apply(GREY, (Grey(),)).pixels)
    np.testing.assert_array_equal(RGB, apply(RGB, (Colour(),)).pixels)


def test_colour_repeats_grey() -> None:
    """Grey becomes three equal channels."""
    np.testing.assert_array_equal(np.stack([GREY] * 3, -1), apply(GREY, (Colour(),)).pixels)


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize(
    ("interpolation", "flag"),
    [("linear", cv2.INTER_LINEAR), ("area", cv2.INTER_AREA), ("nearest", cv2.INTER_NEAREST)],
)
def test_resize_is_opencvs(pixels: NDArray[np.uint8], interpolation: str, flag: int) -> None:
    """Resizing gives exactly what `cv2.resize` gives, height and width not mixed up."""
    step = Resize.model_validate({"height": 21, "width": 90, "interpolation": interpolation})
    prepared = apply(pixels, (step,))
    np.testing.assert_array_equal(cv2.resize(pixels, (90, 21), interpolation=flag), prepared.pixels)
    assert (
        prepared.geometry.frame_width,
        prepared.geometry.frame_height,
        prepared.geometry.tensor_width,
        prepared.geometry.tensor_height,
    ) == (40, 63, 90, 21)


def test_steps_run_in_order() -> None:
    """The second resize works on the result of the first."""
    first, second = Resize(height=5, width=4, interpolation="nearest"), Resize(height=50, width=60)
    expected = cv2.resize(cv2.resize(GREY, (4, 5), interpolation=cv2.INTER_NEAREST), (60, 50))
    np.testing.assert_array_equal(expected, apply(GREY, (first, second)).pixels)


def test_steps_leave_the_frame_alone() -> None:
    """The caller's pixels are not written to."""
    frame = RGB.copy()
    apply(frame, (Grey(), Colour(), Resize(height=9, width=9)))
    np.testing.assert_array_equal(RGB, frame)


@pytest.mark.parametrize(("pixels", "shape"), [(GREY, (1, 63, 40)), (RGB, (3, 63, 40))], ids=["grey", "rgb"])
def test_tensor_puts_channels_first(pixels: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    """A tensor is (C, H, W), contiguous, and holds the same values."""
    tensor = to_tensor(pixels)
    assert shape == tensor.shape
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(pixels, tensor[0] if pixels.ndim == 2 else tensor.transpose(1, 2, 0))
