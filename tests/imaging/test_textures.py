import itertools

import numpy as np
import pytest

from flawgate_imaging.texture_flaws import FLAWS
from flawgate_imaging.textures import MIN_SIZE, TEXTURES, TextureSample, generate


def difference(seed: int, texture: str) -> tuple[TextureSample, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """A flawed sample, and how far each pixel is from the same surface without the flaw."""
    flawed, good = (generate(seed, texture=texture, defective=defective) for defective in (True, False))
    return flawed, np.abs(flawed.pixels.astype(np.int64) - good.pixels)


def test_there_are_at_least_six_textures_and_five_flaws() -> None:
    """The generator offers as much variety as it says."""
    assert len(TEXTURES) >= 6
    assert len(FLAWS) == 5


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_same_seed_gives_the_same_pixels(texture: str) -> None:
    """Two calls agree to the last pixel, and another seed gives another picture."""
    first, again, other = (generate(seed, texture=texture, defective=True, size=256) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.pixels != other.pixels).mean() > 0.5


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("defective", [False, True])
def test_pixels_and_mask_are_well_formed(texture: str, defective: bool) -> None:  # noqa: FBT001 (a parametrized value)
    """Grey uint8 with contrast and without clipping to black or white; a mask of 0 and 1, not empty iff defective."""
    sample = generate(11, texture=texture, defective=defective)
    assert (texture, defective) == (sample.texture, sample.defective)
    assert sample.pixels.shape == sample.mask.shape == (512, 512)
    assert sample.pixels.dtype == sample.mask.dtype == np.uint8
    assert sample.pixels.std() > 10
    assert np.isin(sample.pixels, (0, 255)).mean() < 0.02
    assert set(np.unique(sample.mask)) == ({0, 1} if defective else {0})


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_flaw_is_inside_its_mask(texture: str) -> None:
    """A flaw changes the surface within its ellipse, visibly, and nowhere else."""
    for seed in range(12):
        sample, changed = difference(seed, texture)
        assert changed[sample.mask == 1].max() > 15
        assert changed[sample.mask == 0].max() <= 12  # the lens blurs a little of the border outwards


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_flaw_is_small(texture: str) -> None:
    """The mask spans 12 to 62 pixels and lies within the picture."""
    for seed in range(20):
        rows, columns = np.nonzero(generate(seed, texture=texture, defective=True, size=256).mask)
        assert 12 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 62
        assert min(rows.min(), columns.min()) > 0
        assert max(rows.max(), columns.max()) < 255


def test_left_open_texture_and_flaw_are_drawn() -> None:
    """Without arguments every texture comes up, good and defective."""
    samples = [generate(seed, size=MIN_SIZE) for seed in range(120)]
    assert set(itertools.product(TEXTURES, (False, True))) == {(s.texture, s.defective) for s in samples}
    assert all(sample.defective == bool(sample.mask.any()) for sample in samples)


@pytest.mark.parametrize("size", [MIN_SIZE, 200, 512, 640])
def test_any_size_from_the_smallest_works(size: int) -> None:
    """Sides are what was asked for, for every texture."""
    shapes = {generate(3, texture=texture, defective=True, size=size).pixels.shape for texture in TEXTURES}
    assert shapes == {(size, size)}


def test_unknown_texture_and_tiny_size_are_refused() -> None:
    """A typo or a side too small for a flaw fails at once, naming what is there."""
    with pytest.raises(ValueError, match="choose one of woven"):
        generate(0, texture="velvet")
    with pytest.raises(ValueError, match=str(MIN_SIZE)):
        generate(0, size=MIN_SIZE - 1)
