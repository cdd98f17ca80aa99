"""From bytes to pixels, under limits that are checked from the header before anything is allocated.

Pillow reads the pixels: on a 500×1263 grey JPEG it takes about 1.25 times as long as OpenCV, and unlike OpenCV it
notices a truncated file and reports every format's layout before it decodes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from flawgate_contracts.errors import BodyTooLarge, EmptyFrame, FrameTooLarge, InvalidFrame
from flawgate_imaging.containers import check_bmp, check_jpeg, check_png, check_tiff
from flawgate_imaging.header import Header, open_picture, refusing_damage, sniff
from flawgate_imaging.layouts import exif_orientation, to_pixels, upright

__all__ = ["DEFAULT_LIMITS", "Header", "Limits", "decode", "decode_raw", "sniff"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a frame may cost. All inclusive.

    Attributes:
        max_bytes: of the encoded frame, or of raw pixels.
        max_pixels: width × height.
        max_side_px: the longer of width and height, in pixels.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_side_px: int = 16_384


DEFAULT_LIMITS = Limits()


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG, BMP or TIFF.

    ==============================================  ==========================================================
    the file holds                                  what comes of it
    ==============================================  ==========================================================
    grey of 8 bit, or of 1, 2 or 4 bit              grey; fewer bits are spread over 0–255
    RGB, even with three equal channels             RGB
    palette                                         RGB
    16 bit per sample                               its high byte, value >> 8, so 65535 → 255
    alpha, opaque everywhere                        the alpha is dropped
    alpha with any transparent pixel                refused: its colour depends on what lies behind
    CMYK, YCCK, LAB, float, 12 or 32 bit            refused: colours or range depend on facts that are not there
    EXIF orientation 1–8 (JPEG, PNG, TIFF)          applied
    interlaced PNG, progressive JPEG                read like any other
    animation (APNG), TIFF of several pages         refused
    BMP with run-length coding                      refused
    GIF, WebP, HEIF, AVIF, JPEG 2000, BigTIFF       refused, the accepted formats are named
    bytes after the end of a JPEG or PNG            ignored
    ==============================================  ==========================================================

    Args:
        data: the encoded frame.
        limits: checked from the header, before any pixel is allocated.

    Returns:
        Pixels, uint8, 0–255: grey (H, W) or RGB (H, W, 3), upright, contiguous and writable.

    Raises:
        EmptyFrame: no byte.
        BodyTooLarge: more bytes than the limit.
        FrameTooLarge: more pixels, or a longer side, than the limit.
        UnsupportedFrame: refused by the table above.
        InvalidFrame: not a picture, truncated or damaged.
    """
    _check_bytes(len(data), limits)
    header = sniff(data)
    _check_size(header.width, header.height, limits)
    picture = _open_checked(data, header, limits)
    with refusing_damage(header.format):
        picture.load()
        # Pillow's TIFF reader has turned the picture already and then states orientation 1.
        return upright(to_pixels(picture), exif_orientation(picture))


def decode_raw(
    data: bytes, *, width: int, height: int, channels: int, limits: Limits = DEFAULT_LIMITS
) -> NDArray[np.uint8]:
    """Take raw pixels: 8 bit, row by row without padding, RGB order.

    Args:
        data: exactly width × height × channels bytes.
        width: columns, in pixels.
        height: rows, in pixels.
        channels: 1 for grey, 3 for RGB.
        limits: as for `decode`.

    Returns:
        Pixels, uint8, 0–255: grey (H, W) or RGB (H, W, 3); a copy.

    Raises:
        EmptyFrame: no byte.
        BodyTooLarge: more bytes than the limit.
        FrameTooLarge: more pixels, or a longer side, than the limit.
        InvalidFrame: the size or the channels make no picture, or the bytes do not fit them.
    """
    _check_bytes(len(data), limits)
    if width < 1 or height < 1 or channels not in (1, 3):
        raise InvalidFrame(
            f"Raw pixels of {width} × {height} with {channels} channels are no picture; "
            "give a positive width and height and 1 or 3 channels."
        )
    _check_size(width, height, limits)
    if len(data) != width * height * channels:
        raise InvalidFrame(
            f"Raw pixels of {width} × {height} with {channels} channels take {width * height * channels} bytes, "
            f"but {len(data)} came; send 8-bit pixels without row padding."
        )
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def _open_checked(data: bytes, header: Header, limits: Limits) -> ImageFile:
    if header.format == "png":
        check_png(data)
    picture = open_picture(data, header.format)
    if header.format == "jpeg":
        check_jpeg(data, picture)
    if header.format == "bmp":
        check_bmp(picture)
    if isinstance(picture, TiffImageFile):
        check_tiff(picture, header.bit_depth, limits.max_pixels)
    return picture


def _check_bytes(size: int, limits: Limits) -> None:
    if not size:
        raise EmptyFrame("The frame is empty; send the bytes of a picture.")
    if size > limits.max_bytes:
        raise BodyTooLarge(
            f"The frame has {size} bytes, the limit is {limits.max_bytes}; send a smaller or better compressed one.",
            {"bytes": str(size), "max_bytes": str(limits.max_bytes)},
        )


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side_px:
        raise FrameTooLarge(
            f"The frame has {width} × {height} pixels, the limit is {limits.max_pixels} pixels "
            f"and {limits.max_side_px} per side; send a smaller one.",
            {
                "width": str(width),
                "height": str(height),
                "max_pixels": str(limits.max_pixels),
                "max_side_px": str(limits.max_side_px),
            },
        )
