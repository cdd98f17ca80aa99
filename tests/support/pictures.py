"""Pictures that tests send, good and bad."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.encoding import encode_png
from support.tiny_repository import HEIGHT, WIDTH


def spot_pixels(grey: int, *, row: int = 10, column: int = 5) -> NDArray[np.uint8]:
    """A black frame of the recipe `spot` with one pixel of a grey value, 0–255."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[row, column] = grey
    return pixels


def spot_png(grey: int) -> bytes:
    """The same as a PNG."""
    return encode_png(spot_pixels(grey))


def coloured(seed: int) -> bytes:
    """A PNG of 60×80 pixels (width × height), larger than the tiny recipes' input: noise, or a patch on black."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((80, 60, 3), np.uint8)
    if seed:
        pixels[20 * seed : 20 * seed + 25, 10:40] = random.integers(0, 256, 3)
    else:
        pixels[:] = random.integers(0, 256, pixels.shape)
    return encode_png(pixels)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_declaring(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares any size, in pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = _chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + data + _chunk(b"IEND", b"")
