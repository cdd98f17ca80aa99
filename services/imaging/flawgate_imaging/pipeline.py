"""The pre-processing steps of a recipe, carried out: one small pure function per step, one table over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import Colour, Grey, Resize, Step
from flawgate_imaging.geometry import Geometry

Pixels = NDArray[np.uint8]

INTERPOLATIONS = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "nearest": cv2.INTER_NEAREST}


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
    """
    height, width = pixels.shape[:2]
    prepared = Prepared(pixels, Geometry.identity(width, height))
    for step in steps:
        prepared = _STEPS[type(step)](prepared, step)
    return prepared


def to_tensor(pixels: Pixels) -> Pixels:
    """Channels first: grey (H, W) → (1, H, W), RGB (H, W, 3) → (3, H, W). uint8, 0–255, contiguous."""
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(planes)


def grey(prepared: Prepared, _: Grey) -> Prepared:
    """To one channel, (H, W): 0.299 R + 0.587 G + 0.114 B, rounded. Grey passes unchanged."""
    if prepared.pixels.ndim == 2:
        return prepared
    return Prepared(_uint8(cv2.cvtColor(prepared.pixels, cv2.COLOR_RGB2GRAY)), prepared.geometry)


def colour(prepared: Prepared, _: Colour) -> Prepared:
    """To RGB, (H, W, 3). Grey is repeated, RGB passes unchanged."""
    if prepared.pixels.ndim == 3:
        return prepared
    return Prepared(_uint8(cv2.cvtColor(prepared.pixels, cv2.COLOR_GRAY2RGB)), prepared.geometry)


def resize(prepared: Prepared, step: Resize) -> Prepared:
    """To `step.height` × `step.width` pixels, as `cv2.resize` does; the aspect ratio is not kept."""
    size = (step.width, step.height)
    resized = cv2.resize(prepared.pixels, size, interpolation=INTERPOLATIONS[step.interpolation])
    return Prepared(_uint8(resized), prepared.geometry.then_resized(step.height, step.width))


def _uint8(pixels: NDArray[Any]) -> Pixels:
    """What OpenCV's stubs call any integer or float array is uint8 here, as its input was."""
    return pixels.astype(np.uint8, copy=False)


_STEPS: dict[type[Step], Callable[[Prepared, Any], Prepared]] = {Grey: grey, Colour: colour, Resize: resize}
