import numpy as np
import pytest

from flawgate_contracts.tiling import Tiling
from flawgate_training.experiment.training import NO_AUGMENTATION, Augmentation
from flawgate_training.learning.augmentation import augment, tile

PIXELS = np.random.default_rng(0).integers(60, 190, (24, 16)).astype(np.uint8)
MASK = (PIXELS > 180).astype(np.uint8) * 2
FLIPS = NO_AUGMENTATION.model_copy(update={"flip_horizontal": True, "flip_vertical": True})
TONE = Augmentation(flip_horizontal=False, flip_vertical=False)


def test_flips_take_the_mask_along() -> None:
    """Over many draws, frame and mask are mirrored alike, in all four ways."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        pixels, mask = augment(PIXELS, MASK, FLIPS, rng)
        np.testing.assert_array_equal((pixels > 180).astype(np.uint8) * 2, mask)
        seen.add(pixels.tobytes())
    assert seen == {PIXELS[::rows, ::columns].tobytes() for rows in (1, -1) for columns in (1, -1)}


def test_each_flip_by_itself() -> None:
    """Without the vertical flip, a frame is mirrored left-right or not at all."""
    rng = np.random.default_rng(0)
    chosen = NO_AUGMENTATION.model_copy(update={"flip_horizontal": True})
    seen = {augment(PIXELS, MASK, chosen, rng)[0].tobytes() for _ in range(20)}
    assert seen == {PIXELS.tobytes(), PIXELS[:, ::-1].tobytes()}


def test_tone_changes_stay_small() -> None:
    """Brightness and contrast move a grey level by at most 12 + 10 % of its distance from the middle, rounded."""
    rng = np.random.default_rng(1)
    limit = 12 + 0.1 * np.abs(PIXELS - 127.5) + 0.5
    for _ in range(20):
        pixels, mask = augment(PIXELS, MASK, TONE, rng)
        assert pixels.dtype == np.uint8
        assert bool((np.abs(pixels.astype(float) - PIXELS) <= limit).all())
        np.testing.assert_array_equal(mask, MASK)


def test_extremes_do_not_wrap() -> None:
    """Black stays far darker than white, whatever is drawn."""
    rng = np.random.default_rng(2)
    extremes = np.array([[0, 255]], np.uint8)
    for _ in range(20):
        pixels, _ = augment(extremes, extremes, TONE, rng)
        assert int(pixels[0, 1]) - int(pixels[0, 0]) > 128


def test_turns_take_the_mask_along() -> None:
    """A bright square is turned and scaled, and its mask with it; the mask keeps its classes."""
    rng = np.random.default_rng(3)
    pixels, mask = np.full((64, 64), 50, np.uint8), np.zeros((64, 64), np.uint8)
    pixels[20:36, 24:40], mask[20:36, 24:40] = 200, 3
    chosen = NO_AUGMENTATION.model_copy(update={"rotation_deg": 20.0, "scale": 0.2})
    areas = set()
    for _ in range(20):
        turned, moved = augment(pixels, mask, chosen, rng)
        assert set(np.unique(moved)) <= {0, 3}
        # Linear and nearest interpolation differ at the rim of the square alone.
        assert int(((turned > 125) != (moved == 3)).sum()) <= 16
        areas.add(int((moved == 3).sum()))
    assert min(areas) < 256 * 0.85
    assert max(areas) > 256 * 1.15


def test_edges_are_reflected() -> None:
    """A turned flat frame stays flat: nothing black comes in over its edges."""
    flat = np.full((32, 48, 3), 90, np.uint8)
    chosen = NO_AUGMENTATION.model_copy(update={"rotation_deg": 45.0, "scale": 0.4})
    turned, _ = augment(flat, np.zeros((32, 48), np.uint8), chosen, np.random.default_rng(0))
    np.testing.assert_array_equal(turned, flat)


def test_colour() -> None:
    """Colour frames keep their shape, and their channels move together."""
    colour = np.stack([PIXELS, PIXELS // 2, 255 - PIXELS], axis=2)
    chosen = FLIPS.model_copy(update={"crop": 16})
    pixels, mask = augment(colour, MASK, chosen, np.random.default_rng(0))
    assert pixels.shape == (16, 16, 3)
    np.testing.assert_array_equal(pixels[..., 0], 255 - pixels[..., 2])
    np.testing.assert_array_equal((pixels[..., 0] > 180) * 2, mask)


def test_nothing_drawn_changes_nothing() -> None:
    """Without augmentation, frame and mask come out as they went in."""
    pixels, mask = augment(PIXELS, MASK, NO_AUGMENTATION, np.random.default_rng(0))
    np.testing.assert_array_equal(pixels, PIXELS)
    np.testing.assert_array_equal(mask, MASK)


def test_a_window_holds_the_defect() -> None:
    """A window cut out of a defective frame always shows some of the defect, at ever other places of the window."""
    rng = np.random.default_rng(3)
    mask = np.zeros((64, 48), np.uint8)
    mask[30:32, 20:24] = 1
    places = set()
    for _ in range(60):
        pixels, window = augment(mask, mask, NO_AUGMENTATION.model_copy(update={"crop": 16}), rng)
        assert pixels.shape == window.shape == (16, 16)
        assert window.any()
        places.add(int(np.flatnonzero(window)[0]))
    assert len(places) > 10


def test_a_turned_window_shows_what_lies_around_it() -> None:
    """A slope stays one slope when a window of it is turned and enlarged: nothing is mirrored at the window's edges."""
    slope = np.repeat(np.arange(60, 188, dtype=np.uint8)[:, None], 128, axis=1)
    mask = np.zeros_like(slope)
    mask[62:66, 62:66] = 1
    drawn = NO_AUGMENTATION.model_copy(update={"crop": 32, "rotation_deg": 45.0, "scale": 0.2})
    rows, columns = np.mgrid[:32, :32]
    plane = np.stack([rows.ravel(), columns.ravel(), np.ones(32 * 32)], axis=1)
    for seed in range(20):
        window, _ = augment(slope, mask, drawn, np.random.default_rng(seed))
        levels = window.ravel().astype(float)
        fitted = plane @ np.linalg.lstsq(plane, levels, rcond=None)[0]
        assert float(np.abs(levels - fitted).max()) < 1.5


def test_windows_of_a_good_frame_lie_anywhere() -> None:
    """Windows cut out of a good frame reach all four corners of it."""
    rng = np.random.default_rng(4)
    frame, mask = np.zeros((24, 24), np.uint8), np.zeros((24, 24), np.uint8)
    frame[[0, 0, -1, -1], [0, -1, 0, -1]] = 1, 2, 3, 4
    windows = [augment(frame, mask, NO_AUGMENTATION.model_copy(update={"crop": 16}), rng)[0] for _ in range(60)]
    assert {0, 1, 2, 3, 4} == {int(value) for window in windows for value in np.unique(window)}


@pytest.mark.parametrize("defective", [True, False])
def test_tiles(defective: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Of a defective frame only tiles that hold some of the defect are drawn, all of them; of a good one any tile."""
    tiling = Tiling(height=8, width=8, stride_y=8, stride_x=4)
    frame = np.tile(np.arange(24, dtype=np.uint8), (8, 1))
    mask = np.zeros((8, 24), np.uint8)
    mask[0, 9] = int(defective)
    rng = np.random.default_rng(0)
    lefts = {int(tile(frame, mask, tiling, rng)[0][0, 0]) for _ in range(60)}
    assert lefts == ({4, 8} if defective else {0, 4, 8, 12, 16})
