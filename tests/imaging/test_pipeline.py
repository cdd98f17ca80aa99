from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.steps import STEPS, Colour, Crop, Edges, Grey, MedianBlur, Resize, Rotate, Step
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.moves import INTERPOLATIONS
from flawgate_imaging.pipeline import _GEOMETRY, _MASK, _PIXELS, apply, to_tensor

RGB = np.random.default_rng(5).integers(0, 256, (63, 40, 3), dtype=np.uint8)
GREY = np.ascontiguousarray(RGB[..., 0])
EVERY_STEP = STEPS.validate_python(
    [
        {"op": "colour"},
        {"op": "grey"},
        {"op": "crop", "x": 2, "y": 3, "width": 30, "height": 50},
        {"op": "rotate", "quarter_turns": 3},
        {"op": "median_blur", "size": 3},
        {"op": "resize", "height": 20, "width": 70},
        {"op": "sobel", "combine": "hypot"},
        {"op": "laplacian"},
        {"op": "edges"},
        {"op": "contour"},
    ]
)


def test_every_step_of_the_contract_is_carried_out() -> None:
    """The table names exactly the members of the contract's union, so no recipe can name a step that is not there."""
    assert set(get_args(get_args(Step)[0])) == set(_PIXELS)


def test_what_moves_pixels_moves_mask_and_geometry() -> None:
    """A step moves the mask if and only if it moves the geometry, and just these steps change the size of a picture."""
    assert set(_MASK) == set(_GEOMETRY)
    resized = {type(step) for step in EVERY_STEP if apply(GREY, (step,)).pixels.shape[:2] != GREY.shape}
    assert resized == set(_MASK)


def test_every_interpolation_of_the_contract_is_known() -> None:
    """`linear`, `area` and `nearest` each have their OpenCV flag, and nothing else has one."""
    assert set(get_args(Resize.model_fields["interpolation"].annotation)) == set(INTERPOLATIONS)


def test_no_step_gives_the_frame_itself() -> None:
    """Without steps the pixels pass unchanged, with the identity as geometry."""
    prepared = apply(RGB, ())
    np.testing.assert_array_equal(RGB, prepared.pixels)
    assert Geometry.identity(40, 63) == prepared.geometry


def test_steps_run_in_order() -> None:
    """The second resize works on the result of the first."""
    first, second = Resize(height=5, width=4, interpolation="nearest"), Resize(height=50, width=60)
    expected = cv2.resize(cv2.resize(GREY, (4, 5), interpolation=cv2.INTER_NEAREST), (60, 50))
    np.testing.assert_array_equal(expected, apply(GREY, (first, second)).pixels)


@pytest.mark.parametrize("step", EVERY_STEP, ids=lambda step: step.op)
def test_steps_leave_the_frame_alone(step: Step) -> None:
    """The caller's pixels are not written to."""
    frame = RGB.copy()
    apply(frame, (step,))
    np.testing.assert_array_equal(RGB, frame)


def test_every_step_survives_json() -> None:
    """A recipe's steps are the same after they were written and read."""
    assert STEPS.validate_json(STEPS.dump_json(EVERY_STEP)) == EVERY_STEP


def test_steps_of_several_kinds_make_one_tensor() -> None:
    """Crop, turn, filter, resize: the size is the last one's, and the geometry names the frame's and the tensor's."""
    steps = (
        Crop(x=0, y=13, width=40, height=50),
        Rotate(quarter_turns=1),
        MedianBlur(size=3),
        Edges(),
        Colour(),
        Grey(),
    )
    prepared = apply(RGB, steps)
    geometry = prepared.geometry
    assert prepared.pixels.shape == (40, 50)
    assert (
        geometry.frame_width,
        geometry.frame_height,
        geometry.tensor_width,
        geometry.tensor_height,
    ) == (40, 63, 50, 40)


@pytest.mark.parametrize(("pixels", "shape"), [(GREY, (1, 63, 40)), (RGB, (3, 63, 40))], ids=["grey", "rgb"])
def test_tensor_puts_channels_first(pixels: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    """A tensor is (C, H, W), contiguous, and holds the same values."""
    tensor = to_tensor(pixels)
    assert shape == tensor.shape
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(pixels, tensor[0] if pixels.ndim == 2 else tensor.transpose(1, 2, 0))
