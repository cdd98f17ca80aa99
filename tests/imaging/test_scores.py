import numpy as np
import pytest

from flawgate_contracts.tiling import Tiling
from flawgate_imaging import scores

TILING = Tiling(height=2, width=4, stride_y=2, stride_x=2)


@pytest.mark.parametrize(("share", "expected"), [(0.01, 9.0), (0.2, 8.5), (1.0, 4.5)])
def test_mean_of_the_highest(share: float, expected: float) -> None:
    """Of ten pixels, 1 % are one, 20 % two, and 100 % all."""
    assert scores.top_share_mean(np.arange(10, dtype=np.float32).reshape(2, 5), share) == expected


def test_probability_of_a_defect() -> None:
    """One channel is the defect's; of several, the first is the good one's."""
    assert scores.defect_probability(np.array([0.3], np.float32)) == pytest.approx(0.3)
    assert scores.defect_probability(np.array([0.3, 0.5, 0.2], np.float32)) == pytest.approx(0.7)


def test_the_worst_tile_counts() -> None:
    """A frame is as bad as its worst tile, to six decimals."""
    assert scores.merged_score([0.1, 0.12345678, 0.05]) == 0.123457


def test_one_map_of_tiles() -> None:
    """Where tiles overlap, the higher probability counts."""
    planes = np.zeros((2, 1, 2, 4), np.float32)
    planes[0, 0, 0, 3], planes[1, 0, 0, 1] = 0.4, 0.9
    assert scores.merged_planes(planes, TILING, 2, 6)[0, 0].tolist() == pytest.approx([0, 0, 0, 0.9, 0, 0])


def test_classes_of_tiles() -> None:
    """A class that one of two overlapping tiles sees is kept, and the good class yields to it."""
    planes = np.zeros((2, 3, 2, 4), np.float32)
    planes[:, 0] = 1.0
    planes[1, :, 0, 0] = [0.2, 0.1, 0.7]
    merged = scores.merged_planes(planes, TILING, 2, 6)
    assert merged[:, 0, 2].tolist() == pytest.approx([0.2, 0.1, 0.7])
    assert scores.class_indices(merged)[0].tolist() == [0, 0, 2, 0, 0, 0]


def test_pixels_of_one_channel() -> None:
    """From one half upwards a pixel is defective."""
    assert scores.class_indices(np.array([[[0.49, 0.5, 0.51]]], np.float32)).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize(
    ("indices", "expected"), [([0, 0, 0, 0, 0, 2], 2), ([0, 1, 1, 2, 3, 0], 1), ([2, 1, 0, 0, 0, 0], 1), ([0] * 6, 0)]
)
def test_class_of_a_frame(indices: list[int], expected: int) -> None:
    """The commonest class but the background; the lower index of two as common; 0 of background alone."""
    assert scores.majority_class(np.array([indices], np.uint8)) == expected


def test_residual() -> None:
    """The absolute difference, averaged over channels and a box of five pixels: one wrong pixel spreads over 25."""
    frame = np.full((3, 11, 11), 51, np.uint8)
    drawn = np.full((3, 11, 11), 0.2, np.float32)
    drawn[0, 5, 5] = 0.95
    found = scores.residual(frame, drawn)
    assert found[5, 5] == pytest.approx(0.75 / 3 / 25)
    assert (found[3, 3], found[2, 5]) == pytest.approx((0.75 / 3 / 25, 0), abs=1e-7)


def test_spreading_keeps_the_edges() -> None:
    """A map of half the size, enlarged: each of its pixels stays over the same place."""
    spread = scores.spread(np.array([[0.0, 1.0]], np.float32), 2, 4)
    assert spread.tolist() == [[0.0, 0.25, 0.75, 1.0]] * 2
