"""What is drawn for each frame shown: light changes that a camera over a line may see anyway; masks move along.

By numpy and OpenCV: torchvision's transforms have no reflected edges for turns, and take about 20 times as long (84 ms
beside 4 ms for the flips, turn and tone of a colour frame of 704×1056 pixels, on two cores).
"""

import cv2
import numpy as np
from numpy.random import Generator

from flawgate_contracts.tiling import Tiling
from flawgate_imaging.tiles import places
from flawgate_training.datasets.samples import Pixels
from flawgate_training.experiment.training import Augmentation

_MIDDLE = 127.5


def augment(pixels: Pixels, mask: Pixels, drawn: Augmentation, rng: Generator) -> tuple[Pixels, Pixels]:
    """Change one frame and its mask.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8, index of the class, 0 for background; moved as the pixels are.
        drawn: which changes are drawn.
        rng: where the draws come from.

    Returns:
        Pixels and mask, of the same kinds, contiguous; (crop, crop) where a window is cut out, else of the same shapes.
    """
    if drawn.crop is not None or drawn.rotation_deg or drawn.scale:
        window = _whole(mask) if drawn.crop is None else _window(mask, drawn.crop, rng)
        pixels, mask = _cut(pixels, mask, window, drawn, rng)
    ways = np.where(rng.random(2) < 0.5, -1, 1)
    rows, columns = (ways[0] if drawn.flip_vertical else 1), (ways[1] if drawn.flip_horizontal else 1)
    pixels, mask = pixels[::rows, ::columns], mask[::rows, ::columns]
    if drawn.brightness or drawn.contrast:
        pixels = _retoned(
            pixels, gain=1 + rng.uniform(-1, 1) * drawn.contrast, offset=rng.uniform(-1, 1) * drawn.brightness
        )
    return np.ascontiguousarray(pixels), np.ascontiguousarray(mask)


def tile(pixels: Pixels, mask: Pixels, tiling: Tiling, rng: Generator) -> tuple[Pixels, Pixels]:
    """Choose one of the tiles of a frame: in a defective one a tile that holds defect pixels, else any.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8, 0 for background.
        tiling: the tiles, as in service.
        rng: where the draw comes from.

    Returns:
        Pixels and mask of the tile, views of what came in.
    """
    windows = [
        (slice(top, top + tiling.height), slice(left, left + tiling.width))
        for top, left in places(mask.shape[0], mask.shape[1], tiling)
    ]
    marked = [window for window in windows if mask[window].any()] if mask.any() else []
    chosen = (marked or windows)[rng.integers(len(marked or windows))]
    return pixels[chosen], mask[chosen]


def _window(mask: Pixels, side: int, rng: Generator) -> tuple[slice, slice]:
    """A square that holds one randomly chosen pixel, anywhere within it: of the defect, or of all without one."""
    marked = np.flatnonzero(mask)
    pixel = marked[rng.integers(len(marked))] if len(marked) else rng.integers(mask.size)
    row, column = np.unravel_index(pixel, mask.shape)
    top, left = (
        min(max(int(at) - int(rng.integers(side)), 0), length - side)
        for at, length in zip((row, column), mask.shape, strict=True)
    )
    return slice(top, top + side), slice(left, left + side)


def _whole(mask: Pixels) -> tuple[slice, slice]:
    return slice(0, mask.shape[0]), slice(0, mask.shape[1])


def _cut(
    pixels: Pixels, mask: Pixels, window: tuple[slice, slice], drawn: Augmentation, rng: Generator
) -> tuple[Pixels, Pixels]:
    """What a window shows of the frame turned and scaled about the window's middle.

    What comes in over the edges of a window is the frame around it; over those of the frame, the frame reflected.
    """
    if not drawn.rotation_deg and not drawn.scale:
        return pixels[window], mask[window]
    degrees, size = rng.uniform(-1, 1) * drawn.rotation_deg, 1 + rng.uniform(-1, 1) * drawn.scale
    top, left = window[0].start, window[1].start
    height, width = window[0].stop - top, window[1].stop - left
    way = cv2.getRotationMatrix2D((left + (width - 1) / 2, top + (height - 1) / 2), degrees, size)
    way[:, 2] -= left, top
    moved = [
        cv2.warpAffine(plane, way, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        for plane, flags in ((pixels, cv2.INTER_LINEAR), (mask, cv2.INTER_NEAREST))
    ]
    return moved[0].astype(np.uint8, copy=False), moved[1].astype(np.uint8, copy=False)


def _retoned(pixels: Pixels, *, gain: float, offset: float) -> Pixels:
    """Scaled about the middle grey and shifted, by a table of the 256 levels."""
    levels = (np.arange(256) - _MIDDLE) * gain + _MIDDLE + offset
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(pixels), table).astype(np.uint8, copy=False)
