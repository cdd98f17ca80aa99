"""Files of every kind and layout that the decoder's tests read, and the pixels in them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

GREY = np.random.default_rng(1).integers(0, 256, (37, 53), dtype=np.uint8)
RGB = np.random.default_rng(2).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def encoded(pixels: NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:
    """The pixels as a file that Pillow writes."""
    buffer = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(tag: bytes, body: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))


def png(width: int, height: int, bit_depth: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG from its parts; `rows` start with a filter byte each, `extra` chunks come before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + data + chunk(b"IEND", b"")


def tiff(*tags: tuple[int, int, int, int], pixels: bytes = b"", first: int = 8) -> bytes:
    """A little-endian TIFF with one directory of (tag, type, count, value); the pixels follow it."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", first) + struct.pack("<H", len(tags)) + entries + bytes(4) + pixels


def grey_tiff(width: int, height: int, bits: int, photometric: int, pixels: bytes, *more: tuple[int, ...]) -> bytes:
    """An uncompressed grey TIFF of one strip."""
    entries = 8 + len(more)
    tags: list[Any] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8 + 2 + 12 * entries + 4),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
        *more,
    ]
    return tiff(*sorted(tags), pixels=pixels)
