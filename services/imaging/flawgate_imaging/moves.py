"""The steps that move pixels, for frames and for their masks. `pipeline` knows them by name."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidFrame
from flawgate_contracts.steps import Crop, Resize, Rotate

Pixels = NDArray[np.uint8]

INTERPOLATIONS = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "nearest": cv2.INTER_NEAREST}

_TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


def resize(pixels: Pixels, step: Resize) -> Pixels:
    """To `step.height` × `step.width` pixels, as `cv2.resize` does; the aspect ratio is not kept."""
    size = (step.width, step.height)
    return _uint8(cv2.resize(pixels, size, interpolation=INTERPOLATIONS[step.interpolation]))


def crop(pixels: Pixels, step: Crop) -> Pixels:
    """Rows `step.y` … `step.y + step.height - 1` and the columns alike, as a copy. Frames and masks.

    Raises:
        InvalidFrame: part of the rectangle lies outside.
    """
    height, width = pixels.shape[:2]
    right, bottom = step.x + step.width, step.y + step.height
    if right > width or bottom > height:
        raise InvalidFrame(
            f"The recipe crops {step.width} × {step.height} pixels at ({step.x}, {step.y}), but the picture has only "
            f"{width} × {height} there; send a frame of the size that the recipe was made for, or correct its crop."
        )
    return pixels[step.y : bottom, step.x : right].copy()


def rotate(pixels: Pixels, step: Rotate) -> Pixels:
    """By `step.quarter_turns` times 90°, clockwise. Frames and masks."""
    return _uint8(cv2.rotate(pixels, _TURNS[step.quarter_turns]))


def resize_mask(mask: Pixels, step: Resize) -> Pixels:
    """Resize a mask of classes, whatever the interpolation of the frame.

    A class marks the pixels of which it covers half or more. One that is too thin to cover a pixel anywhere (a scratch
    in a picture that shrinks) marks those of which it covers half of the most that it covers: it is not lost.

    Args:
        mask: (H, W), uint8, index of the class, 0 for background.
        step: the size to reach.

    Returns:
        (step.height, step.width), uint8, index of the class. Where two classes could mark a pixel, the one that
        covers more of it does, measured by the most that each covers anywhere; of equal ones the lower index.
    """
    resized = np.zeros((step.height, step.width), np.uint8)
    most = np.zeros(resized.shape, np.float32)
    for index in np.flatnonzero(np.bincount(mask.ravel(), minlength=1)[1:]) + 1:
        covered = _coverage(mask == index, step)
        covered /= covered.max()
        marked = (covered >= 0.5) & (covered > most)
        resized[marked], most[marked] = index, covered[marked]
    return resized


def _coverage(marked: NDArray[np.bool_], step: Resize) -> NDArray[np.float32]:
    """Share of each new pixel that is marked, 0–1, float32: area where the picture shrinks, linear where it grows."""
    # One axis after the other: `cv2.resize` averages areas only where no axis grows.
    return _along_x(_along_x(marked.astype(np.float32), step.width).T, step.height).T


def _along_x(shares: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    height, before = shares.shape
    interpolation = cv2.INTER_AREA if width < before else cv2.INTER_LINEAR
    return cv2.resize(shares, (width, height), interpolation=interpolation).astype(np.float32, copy=False)


def _uint8(pixels: NDArray[Any]) -> Pixels:
    """What OpenCV's stubs call any integer or float array is uint8 here, as its input was."""
    return pixels.astype(np.uint8, copy=False)
