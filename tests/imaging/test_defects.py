from collections.abc import Mapping

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
    ).defects


def areas(probability: NDArray[np.float32], **limits: int) -> Mapping[str, int]:
    """The area of each class, at a threshold of 0.5."""
    limited = {"min_area_px": 1, "max_defects": 100} | limits
    classes = ("background", "a", "b")[: len(probability)]
    return find_defects(probability, FRAME, threshold=0.5, classes=classes, pixel_pitch_um=None, **limited).areas


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
        (1, 1, 30, 2, 2, 0.75),
        (1, 1, 1, 2, 2, 0.75),
        (1, 20, 1, 3, 3, 0.75),
        (2, 40, 1, 1, 1, 0.875),
        (2, 10, 1, 2, 2, 0.75),
        channels=3,
    )
    ordered = found(probability, classes=("background", "a", "b"))
    assert [(defect.class_name, defect.area_px, defect.box.y) for defect in ordered] == [
        ("b", 1, 1),
        ("a", 9, 1),
        ("a", 4, 1),
        ("a", 4, 30),
        ("b", 4, 1),
    ]


def test_classes_do_not_overlap() -> None:
    """A pixel counts for the class of its highest probability alone, the background among them; the first of equals."""
    probability = maps(
        (1, 0, 0, 10, 1, 0.6), (2, 5, 0, 10, 1, 0.7), (0, 12, 0, 3, 1, 0.9), (2, 30, 5, 1, 1, 0.5), channels=3
    )
    probability[1, 5, 30] = 0.5
    assert {(d.class_name, d.box, round(d.peak, 3)) for d in found(probability, classes=("background", "a", "b"))} == {
        ("a", Box(0, 0, 5, 1), 0.6),
        ("b", Box(5, 0, 7, 1), 0.7),
        ("a", Box(30, 5, 1, 1), 0.5),
    }


def test_the_likeliest_class_must_reach_the_threshold_too() -> None:
    """Where no class of three is likelier than one half, the pixel counts for none."""
    probability = np.broadcast_to(np.array([0.2, 0.45, 0.35], np.float32)[:, np.newaxis, np.newaxis], (3, 40, 60))
    assert found(np.ascontiguousarray(probability), classes=("background", "a", "b")) == ()


def test_a_background_marks_nothing() -> None:
    """Certainty that a surface is good is no defect."""
    assert areas(maps((0, 0, 0, 60, 40, 1.0), channels=3)) == {}


def test_areas_are_sums_over_all_regions_of_a_class() -> None:
    """Past the limit of defects they count too; regions that are too small do not."""
    many = maps(
        *((1, 2 * i, 5, 1, 2, 0.9) for i in range(20)), (2, 3, 20, 5, 2, 0.8), (2, 50, 20, 1, 1, 0.8), channels=3
    )
    assert areas(many, min_area_px=2, max_defects=4) == {"a": 40, "b": 10}


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
