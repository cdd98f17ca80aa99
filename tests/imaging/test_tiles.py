import numpy as np
import pytest

from flawgate_contracts.errors import InvalidFrame, ModelFailure
from flawgate_contracts.tiling import Tiling
from flawgate_imaging.tiles import cut, laid, merge_maximum, places

SLICES = Tiling(height=512, width=64, stride_y=512, stride_x=15)
"""Paper b, section II.B."""

PICTURE = np.random.default_rng(2).integers(0, 256, (100, 130, 3), dtype=np.uint8)
TILING = Tiling(height=40, width=32, stride_y=25, stride_x=32)


def test_paper_b_cuts_thirty_slices() -> None:
    """512×512 pixels in slices of 512×64 at stride 15 are 30, 15 or 16 columns apart, from border to border."""
    where = places(512, 512, SLICES)
    lefts = [place.left for place in where]
    assert len(where) == 30
    assert (lefts[0], lefts[-1]) == (0, 448)
    assert set(np.diff(lefts)) == {15, 16}
    assert {place.top for place in where} == {0}


@pytest.mark.parametrize(
    ("length", "tile", "stride", "starts"),
    [
        (64, 64, 15, [0]),
        (100, 40, 20, [0, 20, 40, 60]),
        (65, 64, 64, [0, 1]),
        (45, 16, 15, [0, 14, 29]),
        (100, 10, 70, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]),
    ],
    ids=["one", "stride divides", "one pixel more", "would leave a gap", "stride beyond the tile"],
)
def test_tiles_are_spread_evenly(length: int, tile: int, stride: int, starts: list[int]) -> None:
    """As many as fit at the stride, and more only where pixels would be left out; along both axes alike."""
    tiling = Tiling(height=tile, width=tile, stride_y=stride, stride_x=stride)
    where = places(length, length, tiling)
    assert [(top, left) for top in starts for left in starts] == [tuple(place) for place in where]


def test_every_pixel_is_covered_and_no_tile_reaches_out() -> None:
    """For many lengths, tiles and strides, the tiles cover the picture up to its last pixel and nothing beyond."""
    rng = np.random.default_rng(7)
    for length, tile, stride in rng.integers(1, 60, (400, 3)).tolist():
        if tile > length:
            continue
        covered = np.zeros(length, bool)
        for place in places(1, length, Tiling(height=1, width=tile, stride_y=1, stride_x=stride)):
            assert 0 <= place.left <= length - tile
            covered[place.left : place.left + tile] = True
        assert covered.all()


@pytest.mark.parametrize(("height", "width"), [(511, 512), (512, 63)])
def test_a_tile_larger_than_the_picture_is_refused(height: int, width: int) -> None:
    """One row or column short is told with both sizes, when cutting and when merging."""
    with pytest.raises(InvalidFrame, match=rf"64 × 512 pixels, but the picture only {width} × {height}"):
        cut(np.zeros((height, width), np.uint8), SLICES)
    with pytest.raises(InvalidFrame, match="smaller"):
        merge_maximum(np.zeros((1, 512, 64), np.float32), SLICES, height, width)


@pytest.mark.parametrize("pixels", [PICTURE, PICTURE[..., 0]], ids=["rgb", "grey"])
def test_tiles_show_what_lies_at_their_places(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    """Tile n is the picture at place n, row by row."""
    tiles = cut(pixels, TILING)
    where = places(100, 130, TILING)
    assert tiles.shape == (len(where), 40, 32, *pixels.shape[2:])
    for tile, (top, left) in zip(tiles, where, strict=True):
        np.testing.assert_array_equal(pixels[top : top + 40, left : left + 32], tile)


def test_merging_what_was_cut_gives_it_back() -> None:
    """A map cut into tiles and merged is the same map, negative values (logits) too."""
    plane = PICTURE[..., 0]
    logits = cut(plane, TILING).astype(np.float32) - 300
    np.testing.assert_array_equal(plane.astype(np.float32) - 300, merge_maximum(logits, TILING, 100, 130))


def test_where_tiles_overlap_the_highest_counts() -> None:
    """Of two tiles over the same pixels the larger value is kept, whichever came first."""
    tiling = Tiling(height=2, width=4, stride_y=2, stride_x=2)
    maps = np.stack([np.full((2, 4), value, np.float32) for value in (0.5, 0.25, 0.75)])
    expected = np.array([[0.5, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75, 0.75]] * 2, np.float32)
    np.testing.assert_array_equal(expected, merge_maximum(maps, tiling, 2, 8))


def test_a_coarse_map_is_spread_over_its_tile() -> None:
    """Maps of an eighth of the tile's side cover the whole picture."""
    maps = np.full((30, 64, 8), 0.5, np.float32)
    np.testing.assert_array_equal(np.full((512, 512), 0.5, np.float32), merge_maximum(maps, SLICES, 512, 512))


def test_what_is_no_number_stays_none() -> None:
    """A model's NaN in one tile is not hidden by its neighbours."""
    maps = np.zeros((30, 512, 64), np.float32)
    maps[4, 100, 32] = np.nan
    assert np.isnan(merge_maximum(maps, SLICES, 512, 512)).sum() == 1


@pytest.mark.parametrize("shape", [(29, 512, 64), (31, 512, 64), (30, 1, 512, 64)])
def test_maps_that_do_not_fit_the_tiles_are_refused(shape: tuple[int, ...]) -> None:
    """One map too few, one too many, or maps with channels are the model's failure, told with both numbers."""
    with pytest.raises(ModelFailure, match="30 tiles"):
        merge_maximum(np.zeros(shape, np.float32), SLICES, 512, 512)


def test_one_tile_is_laid_at_its_place() -> None:
    """Spread over its tile, and 0 where the others lie."""
    tiling = Tiling(height=8, width=4, stride_y=8, stride_x=2)
    picture = laid(np.ones((2, 1), np.float32), tiling, 1, 8, 8)
    expected = np.zeros((8, 8), np.float32)
    expected[:, 2:6] = 1
    np.testing.assert_array_equal(expected, picture)
