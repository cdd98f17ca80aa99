import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidFrame
from flawgate_contracts.steps import Crop, Grey, MedianBlur, Resize, Rotate, Step
from flawgate_imaging.pipeline import apply, apply_to_mask

Pixels = NDArray[np.uint8]

RGB = np.random.default_rng(5).integers(0, 256, (63, 40, 3), dtype=np.uint8)
GREY = np.ascontiguousarray(RGB[..., 0])


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize(
    ("interpolation", "flag"),
    [("linear", cv2.INTER_LINEAR), ("area", cv2.INTER_AREA), ("nearest", cv2.INTER_NEAREST)],
)
def test_resize_is_opencvs(pixels: Pixels, interpolation: str, flag: int) -> None:
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


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_crop_keeps_the_rectangle(pixels: Pixels) -> None:
    """Rows and columns from (x, y) on, as an array of its own that does not hold on to the whole frame."""
    cropped = apply(pixels, (Crop(x=3, y=10, width=37, height=53),)).pixels
    np.testing.assert_array_equal(pixels[10:63, 3:40], cropped)
    assert cropped.base is None


@pytest.mark.parametrize("crop", [Crop(x=4, y=0, width=37, height=9), Crop(x=0, y=11, width=9, height=53)])
def test_crop_outside_the_frame_is_refused(crop: Crop) -> None:
    """One column or row too many is told with both sizes; frame and mask alike."""
    for run in (apply, apply_to_mask):
        with pytest.raises(InvalidFrame, match=rf"{crop.width} × {crop.height} pixels at .* 40 × 63"):
            run(GREY, (crop,))


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotate_turns_clockwise(pixels: Pixels, turns: int) -> None:
    """A quarter turn brings the top left corner to the top right; no value changes."""
    np.testing.assert_array_equal(np.rot90(pixels, -turns), apply(pixels, (Rotate(quarter_turns=turns),)).pixels)


MASK = np.zeros((300, 400), np.uint8)
cv2.ellipse(MASK, (150, 120), (70, 40), 30, 0, 360, 1, -1)
cv2.line(MASK, (220, 280), (380, 200), 1, 5)


@pytest.mark.parametrize(("height", "width"), [(300, 400), (200, 250), (450, 640), (400, 300), (250, 800), (90, 200)])
def test_a_resized_mask_keeps_its_area(height: int, width: int) -> None:
    """Shrunk, grown or squeezed, a binary mask marks the same share of the picture within three percent."""
    resized = apply_to_mask(MASK, (Resize(height=height, width=width),))
    assert ((height, width), np.dtype(np.uint8)) == (resized.shape, resized.dtype)
    assert resized.mean() == pytest.approx(MASK.mean(), rel=0.03)


@pytest.mark.parametrize("size", [37, 64, 100, 128])
@pytest.mark.parametrize("column", [0, 100, 101, 255])
def test_a_scratch_of_one_pixel_is_not_lost(size: int, column: int) -> None:
    """A line far thinner than the new pixels still marks every row, and no more than three columns."""
    mask = np.zeros((256, 256), np.uint8)
    mask[:, column] = 4
    resized = apply_to_mask(mask, (Resize(height=size, width=size),))
    assert set(np.unique(resized)) == {0, 4}
    assert set((resized > 0).sum(axis=1)) <= {1, 2}


def test_the_class_that_covers_more_wins() -> None:
    """Shrunk to a third, a pixel that two classes share goes to the one with two thirds of it, whichever its index."""
    mask = np.zeros((9, 9), np.uint8)
    mask[:, :4], mask[:, 4:] = 5, 2
    np.testing.assert_array_equal([[5, 2, 2]] * 3, apply_to_mask(mask, (Resize(height=3, width=3),)))
    mask[:, :5] = 5
    np.testing.assert_array_equal([[5, 5, 2]] * 3, apply_to_mask(mask, (Resize(height=3, width=3),)))


def test_a_thin_class_within_a_thick_one_is_not_lost() -> None:
    """A line too thin to cover a new pixel keeps its place in a region of another class, whichever index is higher."""
    for region, line in ((1, 2), (2, 1)):
        mask = np.full((9, 9), region, np.uint8)
        mask[:, 4] = line
        np.testing.assert_array_equal([[region, line, region]] * 3, apply_to_mask(mask, (Resize(height=3, width=3),)))


def test_classes_are_never_mixed() -> None:
    """However a mask is resized, only classes that were there come out, also between neighbours 1 and 9."""
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 20:40], mask[:, 40:] = 1, 9
    for size in (7, 31, 60, 200):
        assert set(np.unique(apply_to_mask(mask, (Resize(height=size, width=size),)))) == {0, 1, 9}


def test_an_empty_mask_stays_empty() -> None:
    """A good part has no defect in any size."""
    assert not apply_to_mask(np.zeros((50, 40), np.uint8), (Resize(height=99, width=20),)).any()


@pytest.mark.parametrize(
    "steps",
    [
        (Resize(height=450, width=500),),
        (Crop(x=80, y=60, width=200, height=150), Resize(height=300, width=400)),
        (Rotate(quarter_turns=1), Resize(height=256, width=256), Rotate(quarter_turns=3)),
        (
            Resize(height=150, width=200, interpolation="area"),
            Rotate(quarter_turns=2),
            Crop(x=9, y=5, width=99, height=99),
        ),
    ],
    ids=["grown", "cropped", "turned", "shrunk"],
)
def test_mask_and_frame_stay_together(steps: tuple[Step, ...]) -> None:
    """The mask of a picture that shows nothing but its defects lies where the steps put these, filters left out."""
    prepared = apply(MASK * 255, (Grey(), MedianBlur(size=3), *steps)).pixels
    mask = apply_to_mask(MASK, (Grey(), MedianBlur(size=3), *steps))
    assert prepared.shape == mask.shape
    assert (mask != (prepared > 127)).mean() < 0.005
