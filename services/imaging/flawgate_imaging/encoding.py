"""From pixels to the bytes of a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InternalError


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode without loss. `pixels`: grey (H, W) or RGB (H, W, 3), uint8, 0–255."""
    return _encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Encode as baseline JPEG.

    Args:
        pixels: grey (H, W) or RGB (H, W, 3), uint8, 0–255.
        quality: 1–100; 95 is hard to tell from the original.
    """
    return _encode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode(extension: str, pixels: NDArray[np.uint8], parameters: list[int]) -> bytes:
    ordered = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, buffer = cv2.imencode(extension, ordered, parameters)
    if not done:
        raise InternalError(f"OpenCV could not encode pixels of shape {pixels.shape} as {extension}.")
    return buffer.tobytes()
