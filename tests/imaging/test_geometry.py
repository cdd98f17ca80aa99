from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.steps import Grey, Resize
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.pipeline import apply

COMMUTATOR = Geometry.identity(500, 1263).then_resized(1408, 512)
COARSE = np.random.default_rng(1).random((22, 8), dtype=np.float32)


def blob(height: int, width: int, x: float, y: float, sigma: float) -> NDArray[np.float32]:
    """A bell of height 1 centred on (x, y), in pixel coordinates."""
    rows, columns = np.mgrid[:height, :width]
    bell: NDArray[np.float64] = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return bell.astype(np.float32)


def centre(plane: NDArray[Any]) -> tuple[float, float]:
    """The centre of mass of a plane, (x, y), in pixel coordinates."""
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    mass = plane.astype(np.float64)
    return float((columns * mass).sum() / mass.sum()), float((rows * mass).sum() / mass.sum())


def test_identity_maps_points_and_planes_to_themselves() -> None:
    """Where nothing was resized, the tensor is the frame."""
    plane = np.random.default_rng(0).random((30, 20), dtype=np.float32)
    geometry = Geometry.identity(20, 30)
    assert geometry.to_frame(3, 4) == (3, 4)
    np.testing.assert_array_equal(plane, geometry.map_to_frame(plane))


@pytest.mark.parametrize(
    ("tensor", "frame"),
    [((-0.5, -0.5), (-0.5, -0.5)), ((511.5, 1407.5), (499.5, 1262.5)), ((255.5, 703.5), (249.5, 631.0))],
)
def test_corners_and_middle_meet(tensor: tuple[float, float], frame: tuple[float, float]) -> None:
    """The outer corners and the middle of the tensor are those of the frame: half-pixel offsets are right."""
    assert frame == pytest.approx(COMMUTATOR.to_frame(*tensor), abs=1e-9)


def test_two_resizes_end_like_one() -> None:
    """Only the last size counts: the way there does not move points."""
    twice = Geometry.identity(500, 1263).then_resized(77, 33).then_resized(1408, 512)
    assert COMMUTATOR.matrix == pytest.approx(twice.matrix, abs=1e-9)


@pytest.mark.parametrize("where", [(70, 90), (250, 600), (440, 1180)])
def test_a_point_of_the_frame_comes_back_within_half_a_pixel(where: tuple[int, int]) -> None:
    """What the pipeline does to a frame, the geometry undoes: a spot lands where it was."""
    frame = np.rint(255 * blob(1263, 500, *where, sigma=6)).astype(np.uint8)
    prepared = apply(frame, (Grey(), Resize(height=1408, width=512)))
    found = centre(prepared.geometry.map_to_frame(prepared.pixels))
    assert where == pytest.approx(found, abs=0.5)
    assert where == pytest.approx(prepared.geometry.to_frame(*centre(prepared.pixels)), abs=0.1)


@pytest.mark.parametrize("size", [(176, 64), (352, 128), (1408, 512), (44, 16)])
def test_a_map_of_any_resolution_covers_the_whole_frame(size: tuple[int, int]) -> None:
    """A coarse map's spot lands within half a frame pixel of the place that it covers."""
    height, width = size
    x, y = width * 0.4, height * 0.6
    expected = ((x + 0.5) * 500 / width - 0.5, (y + 0.5) * 1263 / height - 0.5)
    plane = COMMUTATOR.map_to_frame(blob(height, width, x, y, sigma=max(1.5, width / 40)))
    assert plane.shape == (1263, 500)
    assert expected == pytest.approx(centre(plane), abs=0.5)


@pytest.mark.parametrize("plane", [COARSE, np.rint(255 * COARSE).astype(np.uint8)], ids=["float32", "uint8"])
def test_warping_agrees_with_resizing(plane: Any) -> None:
    """For a map that is only spread, the warp is `cv2.resize` up to its 1/32 pixel steps, edges included."""
    warped = COMMUTATOR.map_to_frame(plane)
    assert plane.dtype == warped.dtype
    expected = cv2.resize(plane, (500, 1263), interpolation=cv2.INTER_LINEAR)
    assert np.abs(expected.astype(float) - warped).max() <= 0.05 * plane.max()


def test_edges_are_replicated() -> None:
    """A constant map stays constant up to the frame's border."""
    warped = COMMUTATOR.map_to_frame(np.full((176, 64), 0.75, np.float32))
    assert (np.float32(0.75), np.float32(0.75)) == (warped.min(), warped.max())
