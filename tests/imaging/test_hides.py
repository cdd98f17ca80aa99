import itertools

import numpy as np
import pytest

from flawgate_imaging.hide_grain import GRAINS, walk
from flawgate_imaging.hides import KINDS, MIN_SIZE, HideSample, generate


def difference(seed: int, defect: str) -> tuple[HideSample, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """A defective sample, and how far each pixel is from the same hide without the defect, in grey levels."""
    bad, good = (generate(seed, defective=defective, defect=defect) for defective in (True, False))
    return bad, np.abs(bad.pixels.astype(np.float64) - good.pixels).mean(axis=-1)


@pytest.mark.parametrize("defect", KINDS)
def test_the_same_seed_gives_the_same_pixels(defect: str) -> None:
    """Two calls agree to the last pixel, and another seed gives another picture."""
    first, again, other = (generate(seed, defective=True, defect=defect, size=256) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.pixels != other.pixels).mean() > 0.5


@pytest.mark.parametrize("defect", [None, *KINDS])
def test_pixels_and_mask_are_well_formed(defect: str | None) -> None:
    """RGB uint8 with contrast and hardly any clipping to black or white; a mask of 0 and 1, empty on a good hide."""
    for seed in range(4):
        sample = generate(seed, defective=defect is not None, defect=defect)
        assert sample.defect == defect
        assert sample.pixels.shape == (512, 512, 3)
        assert sample.mask.shape == (512, 512)
        assert sample.pixels.dtype == sample.mask.dtype == np.uint8
        assert sample.pixels.std() > 5
        assert np.isin(sample.pixels, (0, 255)).mean() < 0.03
        assert set(np.unique(sample.mask)) == ({0} if defect is None else {0, 1})


@pytest.mark.parametrize("defect", KINDS)
def test_the_defect_is_where_the_mask_says(defect: str) -> None:
    """What the defect changes is marked, clearly more than what the rest of the picture loses or gains in exposure."""
    for seed in range(6):
        sample, changed = difference(seed, defect)
        assert changed[sample.mask == 1].mean() > 4 * changed[sample.mask == 0].mean()


@pytest.mark.parametrize("defect", KINDS)
def test_a_defect_covers_little_of_the_hide(defect: str) -> None:
    """The mask marks between 30 pixels and a tenth of the picture, so that nothing but a look at the place finds it."""
    for seed in range(12):
        marked = int(generate(seed, defective=True, defect=defect).mask.sum())
        assert 30 <= marked <= 512 * 512 // 10


def test_good_hides_are_uneven() -> None:
    """A good hide has wrinkles and shadows: its brightness varies over it more than sensor noise does."""
    for seed in range(4):
        blocks = generate(seed, defective=False).pixels.reshape(16, 32, 16, 32, 3).mean(axis=(1, 3, 4))
        assert blocks.std() > 2


def test_left_open_defects_are_drawn() -> None:
    """Without arguments every defect comes up, and good hides in about half of the pictures."""
    samples = [generate(seed, size=MIN_SIZE) for seed in range(60)]
    assert {sample.defect for sample in samples} == {None, *KINDS}
    assert 20 <= sum(sample.defect is None for sample in samples) <= 40
    assert all((sample.defect is not None) == bool(sample.mask.any()) for sample in samples)


@pytest.mark.parametrize("size", [MIN_SIZE, 300, 640])
def test_any_size_from_the_smallest_works(size: int) -> None:
    """Sides are what was asked for, for every defect."""
    shapes = {generate(3, defective=True, defect=defect, size=size).pixels.shape for defect in KINDS}
    assert shapes == {(size, size, 3)}


@pytest.mark.parametrize("grain", GRAINS)
def test_grains_differ_from_each_other(grain: str) -> None:
    """Each grain is a relief of its own, of at most a few pixels, not flat."""
    relief = GRAINS[grain](np.random.default_rng(1), 256)
    assert relief.shape == (256, 256)
    assert relief.dtype == np.float32
    assert 0.05 < relief.std() < 2


def test_a_walk_has_a_point_at_every_pixel() -> None:
    """Neighbouring points of a wandering line lie one pixel apart, so that drawing them leaves no gap."""
    path = walk(np.random.default_rng(2), np.zeros(2), heading_deg=30, length_px=100)
    assert path.shape == (100, 2)
    steps = [float(np.hypot(*(after - before))) for before, after in itertools.pairwise(path)]
    np.testing.assert_allclose(steps, 1)


def test_unknown_defect_and_tiny_size_are_refused() -> None:
    """A typo or a side too small for a defect fails at once, naming what is there."""
    with pytest.raises(ValueError, match="choose one of scar"):
        generate(0, defect="tattoo")
    with pytest.raises(ValueError, match=str(MIN_SIZE)):
        generate(0, size=MIN_SIZE - 1)
