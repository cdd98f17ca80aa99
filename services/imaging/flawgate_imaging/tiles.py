"""Overlapping tiles: where they lie, cutting them out, and one map from the maps of all. Paper b, section II.B."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidFrame, ModelFailure
from flawgate_contracts.tiling import Tiling


class Place(NamedTuple):
    """The top left pixel of a tile."""

    top: int
    left: int


def places(height: int, width: int, tiling: Tiling) -> tuple[Place, ...]:
    """Where the tiles lie, row by row.

    Along each axis there are as many tiles as fit at the stride, (length - tile) // stride + 1, and as many more as it
    takes to cover every pixel. They are spread evenly from the first pixel to the last, so where the stride does not
    divide, their distance is a little larger than it: 30 slices of 64 columns at stride 15 over 512 columns (paper b)
    lie 15 or 16 columns apart, and the last one ends at the border.

    Args:
        height: rows of the picture, in pixels.
        width: columns of it.
        tiling: size and stride of the tiles.

    Raises:
        InvalidFrame: a tile is larger than the picture.
    """
    if tiling.height > height or tiling.width > width:
        raise InvalidFrame(
            f"A tile has {tiling.width} × {tiling.height} pixels, but the picture only {width} × {height}; "
            "make the tiles smaller, or resize the picture to at least their size."
        )
    lefts = _starts(width, tiling.width, tiling.stride_x)
    return tuple(Place(top, left) for top in _starts(height, tiling.height, tiling.stride_y) for left in lefts)


def cut(pixels: NDArray[np.uint8], tiling: Tiling) -> NDArray[np.uint8]:
    """Cut a picture, or a mask, into tiles.

    Args:
        pixels: (H, W) or (H, W, 3), uint8.
        tiling: size and stride of the tiles.

    Returns:
        (n, h, w) or (n, h, w, 3), uint8, a copy, in the order of `places`.

    Raises:
        InvalidFrame: a tile is larger than the picture.
    """
    height, width = pixels.shape[:2]
    return np.stack([pixels[_window(place, tiling)] for place in places(height, width, tiling)])


def merge_maximum(maps: NDArray[np.float32], tiling: Tiling, height: int, width: int) -> NDArray[np.float32]:
    """Lay the tiles' maps over the picture; where they overlap, the maximum counts, so no tile's defect is lost.

    Args:
        maps: (n, h, w), float32, in the order of `places`; of any resolution, spread over the tile.
        tiling: size and stride of the tiles.
        height: rows of the picture, in pixels.
        width: columns of it.

    Returns:
        (height, width), float32, in the maps' range. A value that is no number stays one.

    Raises:
        InvalidFrame: a tile is larger than the picture.
        ModelFailure: there is not one map for each tile.
    """
    where = places(height, width, tiling)
    if maps.ndim != 3 or len(maps) != len(where):
        raise ModelFailure(
            f"The picture has {len(where)} tiles, but the maps have the shape {maps.shape}; "
            "check that the model gives one map, (h, w), for each tile."
        )
    merged = np.full((height, width), -np.inf, np.float32)
    for place, plane in zip(where, maps, strict=True):
        window = merged[_window(place, tiling)]
        np.maximum(window, cv2.resize(plane, (tiling.width, tiling.height)), out=window)
    return merged


def laid(plane: NDArray[np.float32], tiling: Tiling, number: int, height: int, width: int) -> NDArray[np.float32]:
    """Lay the map of one tile alone over the picture.

    Args:
        plane: (h, w), float32; of any resolution, spread over the tile.
        tiling: size and stride of the tiles.
        number: of the tile, in the order of `places`.
        height: rows of the picture, in pixels.
        width: columns of it.

    Returns:
        (height, width), float32; 0 where the tile does not lie.

    Raises:
        InvalidFrame: a tile is larger than the picture.
    """
    picture = np.zeros((height, width), np.float32)
    where = places(height, width, tiling)[number]
    picture[_window(where, tiling)] = cv2.resize(plane, (tiling.width, tiling.height))
    return picture


def _starts(length: int, tile: int, stride: int) -> list[int]:
    """First pixels of the tiles along one axis, ascending."""
    slack = length - tile
    count = max(slack // stride + 1, -(-length // tile))
    return [i * slack // max(1, count - 1) for i in range(count)]


def _window(place: Place, tiling: Tiling) -> tuple[slice, slice]:
    return np.s_[place.top : place.top + tiling.height, place.left : place.left + tiling.width]
