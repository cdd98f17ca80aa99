"""The steps that change grey levels and leave every pixel where it is. `pipeline` knows them by name.

Each takes pixels, uint8, 0–255, grey (H, W) or RGB (H, W, 3), and gives new ones; RGB is filtered channel by channel.
Beyond the border OpenCV sees the picture mirrored, or for the median its outermost pixels repeated.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import Colour, Contour, Edges, Grey, Laplacian, MedianBlur, Sobel

Pixels = NDArray[np.uint8]

_CONTOUR = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32)


def grey(pixels: Pixels, _: Grey) -> Pixels:
    """To one channel, (H, W): 0.299 R + 0.587 G + 0.114 B, rounded. Grey passes unchanged."""
    return pixels if pixels.ndim == 2 else _uint8(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def colour(pixels: Pixels, _: Colour) -> Pixels:
    """To RGB, (H, W, 3). Grey is repeated, RGB passes unchanged."""
    return pixels if pixels.ndim == 3 else _uint8(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))


def median_blur(pixels: Pixels, step: MedianBlur) -> Pixels:
    """The median of the `step.size` × `step.size` square around each pixel. Paper e, section 2, "Smoothed"."""
    return _uint8(cv2.medianBlur(pixels, step.size))


def sobel(pixels: Pixels, step: Sobel | Edges) -> Pixels:
    """|Sx| + |Sy| or √(Sx² + Sy²), rounded, of the 3×3 Sobel kernels, clipped to 255. Paper e, section 2."""
    depth = cv2.CV_32F if step.combine == "hypot" else cv2.CV_16S
    across, down = cv2.Sobel(pixels, depth, 1, 0, ksize=3), cv2.Sobel(pixels, depth, 0, 1, ksize=3)
    if step.combine == "hypot":
        return _uint8(cv2.convertScaleAbs(cv2.magnitude(across, down)))
    return _uint8(cv2.add(cv2.convertScaleAbs(across), cv2.convertScaleAbs(down)))


def laplacian(pixels: Pixels, _: Laplacian | Edges) -> Pixels:
    """The absolute value under the kernel (2 0 2, 0 -8 0, 2 0 2), clipped to 255. Paper e, section 2."""
    return _uint8(cv2.convertScaleAbs(cv2.Laplacian(pixels, cv2.CV_16S, ksize=3)))


def edges(pixels: Pixels, step: Edges) -> Pixels:
    """Sobel plus Laplacian, clipped to 255. Paper e, sections 2 ("Edge Detection") and 4.1."""
    return _uint8(cv2.add(sobel(pixels, step), laplacian(pixels, step)))


def contour(pixels: Pixels, _: Contour) -> Pixels:
    """255 plus 8 times the pixel less its 8 neighbours, clipped to 0–255; the outermost pixels stay as they are.

    Equals Pillow's `ImageFilter.CONTOUR` to the last pixel. Paper e, sections 2 ("Enhancement") and 4.1.
    """
    filtered = pixels.copy()
    filtered[1:-1, 1:-1] = cv2.filter2D(pixels, -1, _CONTOUR, delta=255)[1:-1, 1:-1]
    return filtered


def _uint8(pixels: NDArray[Any]) -> Pixels:
    """What OpenCV's stubs call any integer or float array is uint8 here, as its input was."""
    return pixels.astype(np.uint8, copy=False)
