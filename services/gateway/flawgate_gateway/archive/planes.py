"""Masks and explanations as blobs: their bytes, row by row, compressed by zlib. Their shapes stand in the document.

Measured against PNG of the same planes (level 1): half the time, a third larger at worst, next to nothing where a mask
is small; and no bound on rows.
"""

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import ArchiveUnavailable

LEVEL = 1
"""Fastest; the highest takes ten times as long for a fifth less."""


def packed(planes: NDArray[np.uint8]) -> bytes:
    """A blob. `planes`: of any shape, uint8."""
    return zlib.compress(np.ascontiguousarray(planes).data, LEVEL)


def unpacked(blob: bytes, shape: Sequence[int]) -> NDArray[np.uint8]:
    """The planes of a blob, uint8, in the shape that they had.

    Raises:
        ArchiveUnavailable: the blob holds others; no more than they should take is ever decompressed.
    """
    length = math.prod(shape)
    try:
        data = zlib.decompressobj().decompress(blob, length + 1)
    except zlib.error:
        data = b""
    if len(data) != length:
        raise ArchiveUnavailable(
            f"A mask in the archive does not have the shape {tuple(shape)} that its record says; "
            "the record or the archive is damaged."
        )
    return np.frombuffer(data, np.uint8).reshape(shape)
