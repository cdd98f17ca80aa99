import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from flawgate_imaging.stitch_cloth import COLOURS
from flawgate_imaging.stitches import CLASSES, MIN_SIZE, THREADS, StitchSample, generate

DIRECTIONS_DEG = {"Horizontal": (0,), "Straight": (90,), "Diagonal": (45, 135)}


def around(mask: NDArray[np.uint8], px: int) -> NDArray[np.bool_]:
    """What is marked, and `px` pixels around it."""
    return cv2.dilate(mask, np.ones((2 * px + 1, 2 * px + 1), np.uint8)) > 0


def like_thread(sample: StitchSample) -> NDArray[np.bool_]:
    """Pixels whose colour is nearer to the mean of what is marked than to that of the cloth far away from it."""
    pixels = sample.pixels.astype(np.float64)
    thread, cloth = pixels[sample.mask > 0].mean(0), pixels[~around(sample.mask, 20)].mean(0)
    nearer: NDArray[np.bool_] = np.linalg.norm(pixels - thread, axis=-1) < np.linalg.norm(pixels - cloth, axis=-1)
    return nearer


def direction_deg(mask: NDArray[np.uint8]) -> float:
    """Of the longest axis of what is marked, against x, 0–180."""
    rows, columns = np.nonzero(mask)
    _, axes = np.linalg.eigh(np.cov(columns, rows))
    x, y = axes[:, 1]
    return float(np.degrees(np.arctan2(y, x)) % 180)


def test_classes_are_those_of_the_paper() -> None:
    """Paper a, section 3, in its order: blue and white thread, each in three directions."""
    assert CLASSES == ("BDiagonal", "BHorizontal", "BStraight", "WDiagonal", "WHorizontal", "WStraight")


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_seed_gives_the_same_pixels(name: str) -> None:
    """Two calls agree to the last pixel, and another seed gives another picture."""
    first, again, other = (generate(seed, stitch_class=name, width=352, height=256) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.pixels != other.pixels).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize("name", CLASSES)
def test_pixels_and_mask_are_well_formed(name: str) -> None:
    """RGB uint8 of the paper's size, neither black nor burnt out; the mask holds 0 and the class's index."""
    sample = generate(11, stitch_class=name)
    assert name == sample.stitch_class
    assert (sample.pixels.shape, sample.mask.shape) == ((704, 1056, 3), (704, 1056))
    assert sample.pixels.dtype == sample.mask.dtype == np.uint8
    assert np.isin(sample.pixels, (0, 255)).mean() < 0.02
    assert set(np.unique(sample.mask)) == {0, 1 + CLASSES.index(name)}


@pytest.mark.parametrize("name", CLASSES)
def test_the_mask_fits_the_thread(name: str) -> None:
    """Marked pixels have the thread's colour (but for its grooves), and beside them lies cloth."""
    for seed in range(4):
        sample = generate(seed, stitch_class=name)
        thread = like_thread(sample)
        assert thread[sample.mask > 0].mean() > 0.7
        assert thread[around(sample.mask, 20) & (sample.mask == 0)].mean() < 0.15


@pytest.mark.parametrize("name", CLASSES)
def test_thread_has_its_colour(name: str) -> None:
    """Blue thread is blue by far; white thread is brighter than its cloth and has next to no colour."""
    for seed in range(4):
        sample = generate(seed, stitch_class=name, width=528, height=352)
        red, green, blue = sample.pixels[sample.mask > 0].mean(0)
        if name.startswith("B"):
            assert blue > 1.4 * max(red, green)
        else:
            assert max(red, green, blue) < 1.15 * min(red, green, blue)
            assert green > sample.pixels[~around(sample.mask, 10)].mean() + 30


@pytest.mark.parametrize("name", CLASSES)
def test_a_seam_runs_in_the_direction_of_its_class(name: str) -> None:
    """Its longest axis is within 12 degrees of the class's, so no two classes can be mistaken for one another."""
    for seed in range(5):
        found = direction_deg(generate(seed, stitch_class=name).mask)
        assert min(abs((found - wanted + 90) % 180 - 90) for wanted in DIRECTIONS_DEG[name[1:]]) < 12


@pytest.mark.parametrize("name", CLASSES)
def test_stitches_are_single_and_thin(name: str) -> None:
    """A seam is many pieces of thread and covers 0.5 to 5 percent of the picture."""
    for seed in range(4):
        mask = generate(seed, stitch_class=name).mask
        pieces, _ = cv2.connectedComponents(mask)
        assert pieces - 1 >= 7
        assert 0.005 < (mask > 0).mean() < 0.05


def test_left_open_the_class_is_drawn() -> None:
    """Without arguments every class comes up."""
    drawn = {generate(seed, width=MIN_SIZE, height=MIN_SIZE).stitch_class for seed in range(60)}
    assert drawn == set(CLASSES)


@pytest.mark.parametrize(("width", "height"), [(MIN_SIZE, MIN_SIZE), (MIN_SIZE, 300), (640, 200)])
def test_any_size_from_the_smallest_works(width: int, height: int) -> None:
    """Sides are what was asked for, and some thread is always in the picture."""
    for seed in range(30):
        sample = generate(seed, width=width, height=height)
        assert sample.pixels.shape == (height, width, 3)
        assert sample.mask.any()


@pytest.mark.parametrize("thread", THREADS)
def test_every_thread_has_cloths_to_be_seen_on(thread: str) -> None:
    """Seams of a thread differ in their cloth: at least six of its colours come up."""
    name = f"{thread}Straight"
    means = np.array(
        [generate(seed, stitch_class=name, width=128, height=128).pixels.mean((0, 1)) for seed in range(60)]
    )
    palette = np.array(list(COLOURS.values()))
    nearest = np.linalg.norm(means[:, np.newaxis] - palette, axis=-1).argmin(axis=1)
    assert len(set(nearest.tolist())) >= 6


def test_unknown_class_and_tiny_size_are_refused() -> None:
    """A typo or a side too small for stitches fails at once, naming what is there."""
    with pytest.raises(ValueError, match="choose one of BDiagonal"):
        generate(0, stitch_class="RStraight")
    with pytest.raises(ValueError, match=str(MIN_SIZE)):
        generate(0, height=MIN_SIZE - 1)
