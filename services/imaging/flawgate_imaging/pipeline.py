"""The pre-processing steps of a recipe, carried out: `filters` and `moves` hold one small pure function per step.

Frames and their masks take the same way, and the geometry remembers it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import (
    Colour,
    Contour,
    Crop,
    Edges,
    Grey,
    Laplacian,
    MedianBlur,
    Resize,
    Rotate,
    Sobel,
    Step,
)
from flawgate_imaging.filters import colour, contour, edges, grey, laplacian, median_blur, sobel
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.moves import crop, resize, resize_mask, rotate

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame on its way to the tensor.

    Attributes:
        pixels: uint8, 0–255: grey (H, W) or RGB (H, W, 3).
        geometry: the way back to pixels of the original frame.
    """

    pixels: Pixels
    geometry: Geometry


def apply(pixels: Pixels, steps: Sequence[Step]) -> Prepared:
    """Run the steps in order.

    Args:
        pixels: the decoded frame, uint8, 0–255: grey (H, W) or RGB (H, W, 3).
        steps: as named by a recipe; none gives the frame itself.

    Raises:
        InvalidFrame: the frame is too small for a crop.
    """
    height, width = pixels.shape[:2]
    geometry = Geometry.identity(width, height)
    for step in steps:
        pixels = _PIXELS[type(step)](pixels, step)
        if move := _GEOMETRY.get(type(step)):
            geometry = move(geometry, step)
    return Prepared(pixels, geometry)


def apply_to_mask(mask: Pixels, steps: Sequence[Step]) -> Pixels:
    """Run those steps that move pixels, so that the mask lies on what `apply` makes of its frame.

    Args:
        mask: (H, W), uint8, index of the class, 0 for background; of the frame's size.
        steps: as for `apply`.

    Returns:
        (h, w), uint8, index of the class; `moves.resize_mask` says which class a resized pixel gets.

    Raises:
        InvalidFrame: the frame is too small for a crop.
    """
    for step in steps:
        if move := _MASK.get(type(step)):
            mask = move(mask, step)
    return mask


def to_tensor(pixels: Pixels) -> Pixels:
    """Channels first: grey (H, W) → (1, H, W), RGB (H, W, 3) → (3, H, W). uint8, 0–255, contiguous."""
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(planes)


_PIXELS: dict[type[Step], Callable[[Pixels, Any], Pixels]] = {
    Grey: grey,
    Colour: colour,
    Resize: resize,
    Crop: crop,
    Rotate: rotate,
    MedianBlur: median_blur,
    Sobel: sobel,
    Laplacian: laplacian,
    Edges: edges,
    Contour: contour,
}

_MASK: dict[type[Step], Callable[[Pixels, Any], Pixels]] = {Resize: resize_mask, Crop: crop, Rotate: rotate}

_GEOMETRY: dict[type[Step], Callable[[Geometry, Any], Geometry]] = {
    Resize: lambda geometry, step: geometry.then_resized(step.height, step.width),
    Crop: lambda geometry, step: geometry.then_cropped(step.x, step.y, step.width, step.height),
    Rotate: lambda geometry, step: geometry.then_rotated(step.quarter_turns),
}
