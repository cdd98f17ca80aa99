from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_contracts.steps import Crop, Grey, Resize, Rotate, Step
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


MOVES: dict[str, tuple[Step, ...]] = {
    "crop": (Crop(x=120, y=300, width=260, height=500),),
    "turn": (Rotate(quarter_turns=1),),
    "half turn": (Rotate(quarter_turns=2),),
    "three turns": (Rotate(quarter_turns=3),),
    "crop, resize": (Crop(x=120, y=300, width=260, height=500), Resize(height=1408, width=512)),
    "resize, crop": (Resize(height=1408, width=512), Crop(x=100, y=400, width=200, height=900)),
    "turn, crop, resize": (
        Rotate(quarter_turns=3),
        Crop(x=350, y=90, width=600, height=300),
        Resize(height=512, width=512),
    ),
    "crop, turn, crop, turn, resize": (
        Crop(x=100, y=280, width=300, height=700),
        Rotate(quarter_turns=1),
        Crop(x=60, y=20, width=600, height=200),
        Rotate(quarter_turns=2),
        Resize(height=400, width=900),
    ),
}


@pytest.mark.parametrize("steps", MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("where", [(240, 600), (270, 540)])
def test_a_point_comes_back_from_crops_and_turns(steps: tuple[Step, ...], where: tuple[int, int]) -> None:
    """A spot lands where it was on the frame, as a point and as a map, whatever moved it."""
    prepared = apply(np.rint(255 * blob(1263, 500, *where, sigma=6)).astype(np.uint8), steps)
    assert where == pytest.approx(prepared.geometry.to_frame(*centre(prepared.pixels)), abs=0.1)
    assert where == pytest.approx(centre(prepared.geometry.map_to_frame(prepared.pixels)), abs=0.5)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_map_comes_back_exactly(turns: int) -> None:
    """A turn moves whole pixels, so each comes back to its own place, the border included."""
    frame = np.random.default_rng(4).integers(0, 256, (30, 20), dtype=np.uint8)
    prepared = apply(frame, (Rotate(quarter_turns=turns),))
    np.testing.assert_array_equal(frame, prepared.geometry.map_to_frame(prepared.pixels))


def test_four_turns_are_none() -> None:
    """Turned all around, the tensor is the frame again."""
    turned = Geometry.identity(20, 30).then_rotated(1).then_rotated(3)
    assert Geometry.identity(20, 30) == turned.then_rotated(2).then_rotated(2) == turned


def test_what_was_cropped_away_shows_nothing() -> None:
    """A map that is 1 up to the border of a crop is 1 there on the frame and 0 outside: no defect runs out of it."""
    frame = np.zeros((90, 80), np.uint8)
    steps = (Crop(x=20, y=30, width=40, height=50), Rotate(quarter_turns=1), Resize(height=64, width=96))
    on_frame = apply(frame, steps).geometry.map_to_frame(np.ones((16, 24), np.float32))
    expected = np.zeros((90, 80), np.float32)
    expected[30:80, 20:60] = 1
    np.testing.assert_array_equal(expected, on_frame)
