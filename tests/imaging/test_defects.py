import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_imaging.defects import Box, Defect, find_defects
from flawgate_imaging.geometry import Geometry

FRAME = Geometry.identity(60, 40)


def maps(*regions: tuple[int, int, int, int, int, float], channels: int = 1) -> NDArray[np.float32]:
    """Probability maps of the frame's size: (channel, x, y, width, height, probability) for each region."""
    probability = np.zeros((channels, 40, 60), np.float32)
    for channel, x, y, width, height, value in regions:
        probability[channel, y : y + height, x : x + width] = value
    return probability


def found(
    probability: NDArray[np.float32],
    geometry: Geometry = FRAME,
    *,
    min_area_px: int = 1,
    classes: tuple[str, ...] = ("defect",),
    pixel_pitch_um: float | None = None,
    max_defects: int = 100,
) -> tuple[Defect, ...]:
    """The defects at a threshold of 0.5."""
    return find_defects(
        probability,
        geometry,
        threshold=0.5,
        min_area_px=min_area_px,
        classes=classes,
        pixel_pitch_um=pixel_pitch_um,
        max_defects=max_defects,
    )


def test_box_area_and_peak_are_exact() -> None:
    """One rectangle gives its own box, area and largest probability."""
    probability = maps((0, 10, 20, 7, 3, 0.75))
    probability[0, 21, 12] = 0.875
    assert found(probability) == (Defect(Box(10, 20, 7, 3), 21, None, 0.875, "defect"),)


def test_threshold_is_inclusive() -> None:
    """A pixel of exactly the threshold belongs to the defect; just below it there is none."""
    assert [defect.area_px for defect in found(maps((0, 5, 5, 1, 1, 0.5)))] == [1]
    assert found(maps((0, 5, 5, 1, 1, np.nextafter(np.float32(0.5), np.float32(0))))) == ()


def test_diagonal_neighbours_are_one_defect() -> None:
    """Pixels that touch at a corner are connected."""
    assert [Box(5, 5, 2, 2)] == [defect.box for defect in found(maps((0, 5, 5, 1, 1, 0.9), (0, 6, 6, 1, 1, 0.9)))]


def test_the_peak_is_the_regions_own() -> None:
    """A stronger region inside another one's box does not lend it its peak."""
    ring = maps((0, 10, 10, 9, 9, 0.6))
    ring[0, 11:18, 11:18] = 0
    ring[0, 14, 14] = 0.9
    assert [(round(defect.peak, 3), defect.area_px) for defect in found(ring)] == [(0.9, 1), (0.6, 32)]


def test_order_is_peak_then_area_then_place() -> None:
    """The most probable comes first, among equals the largest, then the first channel, then from the top."""
    probability = maps(
        (0, 1, 30, 2, 2, 0.75),
        (0, 1, 1, 2, 2, 0.75),
        (0, 20, 1, 3, 3, 0.75),
        (1, 40, 1, 1, 1, 0.875),
        (1, 1, 1, 2, 2, 0.75),
        channels=2,
    )
    assert [(defect.class_name, defect.area_px, defect.box.y) for defect in found(probability, classes=("a", "b"))] == [
        ("b", 1, 1),
        ("a", 9, 1),
        ("a", 4, 1),
        ("a", 4, 30),
        ("b", 4, 1),
    ]


def test_small_regions_are_left_out() -> None:
    """The smallest area is inclusive."""
    probability = maps((0, 1, 1, 3, 1, 0.9), (0, 20, 20, 2, 2, 0.9))
    assert [defect.area_px for defect in found(probability, min_area_px=4)] == [4]


def test_only_the_strongest_are_returned() -> None:
    """A frame full of specks gives no endless list, and keeps the most probable."""
    probability = maps(*((0, 2 * i, 5, 1, 1, 0.5 + i / 100) for i in range(20)))
    assert [pytest.approx(0.69), pytest.approx(0.68)] == [defect.peak for defect in found(probability, max_defects=2)]


def test_pitch_gives_square_millimetres() -> None:
    """200 pixels of 50 µm are half a square millimetre."""
    (defect,) = found(maps((0, 10, 10, 20, 10, 0.9)), pixel_pitch_um=50)
    assert defect.area_mm2 == pytest.approx(0.5)


def test_box_and_area_are_pixels_of_the_original_frame() -> None:
    """A coarse map over a resized tensor gives boxes of the frame, within a pixel of the truth."""
    geometry = Geometry.identity(500, 1263).then_resized(1408, 512)
    probability = np.zeros((1, 176, 64), np.float32)
    probability[0, 88:110, 32:48] = 1
    (defect,) = found(probability, geometry)
    box = (defect.box.x, defect.box.y, defect.box.x + defect.box.width, defect.box.y + defect.box.height)
    assert pytest.approx(box, abs=1) == (250, 631.5, 375, 789.4)
    assert defect.area_px == pytest.approx(125 * 157.9, rel=0.02)


def test_a_defect_at_the_border_stays_inside_the_frame() -> None:
    """A map that is 1 everywhere gives one box: the frame."""
    geometry = Geometry.identity(500, 1263).then_resized(1408, 512)
    (defect,) = found(np.ones((1, 176, 64), np.float32), geometry)
    assert defect == Defect(Box(0, 0, 500, 1263), 500 * 1263, None, 1.0, "defect")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_the_models_failure(value: float) -> None:
    """A mask with NaN is not "no defect"."""
    with pytest.raises(ModelFailure, match="no numbers"):
        found(maps((0, 3, 3, 1, 1, value)))


@pytest.mark.parametrize("shape", [(2, 40, 60), (40, 60)])
def test_channels_must_be_the_classes(shape: tuple[int, ...]) -> None:
    """A mask with another number of channels than the recipe has classes is the model's failure."""
    with pytest.raises(ModelFailure, match="1 classes"):
        found(np.zeros(shape, np.float32))
