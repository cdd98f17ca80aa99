"""What each file format must fulfil before its pixels are decoded: whole, one picture, and no trap."""

import struct
import zlib

from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from flawgate_contracts.errors import FrameTooLarge, InvalidFrame, UnsupportedFrame

MAX_PNG_CHUNKS = 65_536
"""libpng writes one chunk per 8 KiB: 32 MiB make 4,096. Far more are there to keep a reader busy."""

MAX_JPEG_SCANS = 100
"""Each scan of a progressive JPEG passes over every pixel; encoders write about 10."""

_TILE_WIDTH, _TILE_LENGTH, _PHOTOMETRIC = 322, 323, 262
_RLE_COMPRESSIONS = (1, 2)


def check_png(data: bytes) -> None:
    """Walk the chunks: every CRC is right, IEND is there, it is no animation.

    Pillow alone would neither check the CRC of pixel data nor miss IEND.

    Raises:
        InvalidFrame: truncated, or a chunk's CRC is wrong.
        UnsupportedFrame: animated (chunk acTL).
    """
    view, offset = memoryview(data), 8
    for _ in range(MAX_PNG_CHUNKS):
        if offset + 12 > len(data):
            raise InvalidFrame("The PNG picture is truncated: its IEND chunk is missing; send the whole file.")
        length, tag = struct.unpack_from(">I4s", data, offset)
        end = offset + 8 + length
        if end + 4 > len(data):
            raise InvalidFrame(f"The PNG picture is truncated in a chunk of {length} bytes; send the whole file.")
        if zlib.crc32(view[offset + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise InvalidFrame("The PNG picture is damaged: a chunk's checksum is wrong; send the file again.")
        if tag == b"acTL":
            raise UnsupportedFrame("Animated PNG is not accepted; send one still picture.")
        if tag == b"IEND":
            return
        offset = end + 4
    raise InvalidFrame(f"The PNG picture has more than {MAX_PNG_CHUNKS} chunks; save it again with a common encoder.")


def check_jpeg(data: bytes, picture: ImageFile) -> None:
    """Refuse a JPEG whose many scans would keep the decoder busy for minutes. Truncation is found while decoding.

    A sequential grey one is done after its first scan, so there is nothing to count.

    Raises:
        InvalidFrame: more than `MAX_JPEG_SCANS` scans.
    """
    one_scan = len(picture.getbands()) == 1 and "progressive" not in picture.info
    if not one_scan and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise InvalidFrame(f"The JPEG picture has more than {MAX_JPEG_SCANS} scans; save it again as baseline JPEG.")


def check_bmp(picture: ImageFile) -> None:
    """Refuse run-length coded BMP: its reader is slow, and no camera writes it.

    Raises:
        UnsupportedFrame: RLE4 or RLE8.
    """
    if picture.info.get("compression") in _RLE_COMPRESSIONS:
        raise UnsupportedFrame("Run-length coded BMP is not accepted; save it uncompressed or as PNG.")


def check_tiff(picture: TiffImageFile, bit_depth: int, max_pixels: int) -> None:
    """One page, tiles within the limit, and a sample depth whose range is known.

    Args:
        picture: opened, not yet loaded.
        bit_depth: bits per sample.
        max_pixels: limit for one tile, which libtiff allocates whole however small the picture is.

    Raises:
        UnsupportedFrame: several pages, 12 bit, or 16 bit with white as zero.
        FrameTooLarge: a tile over the limit.
    """
    if picture.is_animated:
        raise UnsupportedFrame("TIFF with several pages is not accepted; send one page.")
    tags = picture.tag_v2
    if int(tags.get(_TILE_WIDTH, 0)) * int(tags.get(_TILE_LENGTH, 0)) > max_pixels:
        raise FrameTooLarge(f"The TIFF picture has tiles of more than {max_pixels} pixels; save it with smaller ones.")
    if bit_depth == 12 or (bit_depth == 16 and tags.get(_PHOTOMETRIC) == 0):
        raise UnsupportedFrame(f"TIFF of {bit_depth} bit in this layout is not accepted; send 8 bit, black as zero.")
