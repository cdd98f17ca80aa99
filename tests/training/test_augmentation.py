import numpy as np

from flawgate_training.datasets.augmentation import Augmentation

PIXELS = np.random.default_rng(0).integers(60, 190, (24, 16)).astype(np.uint8)
MASK = (PIXELS > 180).astype(np.uint8) * 255


def test_flips_take_the_mask_along() -> None:
    """Over many draws, frame and mask are mirrored alike, in all four ways."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        pixels, mask = Augmentation(tone=False).draw(PIXELS, MASK, rng)
        np.testing.assert_array_equal((pixels > 180).astype(np.uint8) * 255, mask)
        seen.add(pixels.tobytes())
    assert seen == {PIXELS[::rows, ::columns].tobytes() for rows in (1, -1) for columns in (1, -1)}


def test_tone_changes_stay_small() -> None:
    """Brightness and contrast move a grey level by at most 12 + 10 % of its distance from the middle, rounded."""
    rng = np.random.default_rng(1)
    limit = 12 + 0.1 * np.abs(PIXELS - 127.5) + 0.5
    for _ in range(20):
        pixels, mask = Augmentation(flips=False).draw(PIXELS, MASK, rng)
        assert pixels.dtype == np.uint8
        assert bool((np.abs(pixels.astype(float) - PIXELS) <= limit).all())
        np.testing.assert_array_equal(mask, MASK)


def test_extremes_do_not_wrap() -> None:
    """Black stays far darker than white, whatever is drawn."""
    rng = np.random.default_rng(2)
    extremes = np.array([[0, 255]], np.uint8)
    for _ in range(20):
        pixels, _ = Augmentation(flips=False).draw(extremes, extremes, rng)
        assert int(pixels[0, 1]) - int(pixels[0, 0]) > 128


def test_a_window_holds_the_defect() -> None:
    """A window cut out of a defective frame always shows some of the defect, at ever other places of the window."""
    rng = np.random.default_rng(3)
    mask = np.zeros((64, 48), np.uint8)
    mask[30:32, 20:24] = 255
    places = set()
    for _ in range(60):
        pixels, window = Augmentation(crop=16, flips=False, tone=False).draw(mask, mask, rng)
        assert pixels.shape == window.shape == (16, 16)
        assert window.any()
        places.add(int(np.flatnonzero(window)[0]))
    assert len(places) > 10


def test_windows_of_a_good_frame_lie_anywhere() -> None:
    """Windows cut out of a good frame reach all four corners of it."""
    rng = np.random.default_rng(4)
    frame, mask = np.zeros((24, 24), np.uint8), np.zeros((24, 24), np.uint8)
    frame[[0, 0, -1, -1], [0, -1, 0, -1]] = 1, 2, 3, 4
    windows = [Augmentation(crop=16, flips=False, tone=False).draw(frame, mask, rng)[0] for _ in range(60)]
    assert {0, 1, 2, 3, 4} == {int(value) for window in windows for value in np.unique(window)}
