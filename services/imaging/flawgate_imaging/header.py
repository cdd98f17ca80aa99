"""What a picture says about itself, read from its first bytes before any pixel is allocated."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin
from PIL.ImageFile import ImageFile

from flawgate_contracts.errors import FlawgateError, InvalidFrame, Overloaded, UnsupportedFrame

# Pillow warns, with a text of its own each time, about metadata that nobody here reads: a hostile frame must fill
# neither the log nor the interpreter's registry of warnings.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

Format = Literal["png", "jpeg", "bmp", "tiff"]

ACCEPTED = "PNG, JPEG, BMP or TIFF"

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)
_REFUSED = (
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftyp", "HEIF or AVIF"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II+\x00", "BigTIFF"),
    (0, b"MM\x00+", "BigTIFF"),
    (0, b"%PDF", "PDF"),
)
# The readers themselves, not `Image.open`: no other format can slip in, and the size limit is ours, not Pillow's.
_READERS: dict[Format, type[ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_TIFF_BITS_PER_SAMPLE = 258


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in a picture's header.

    Attributes:
        format: `png`, `jpeg`, `bmp` or `tiff`.
        width: columns as stored, in pixels, before any EXIF orientation.
        height: rows as stored, in pixels.
        channels: samples per pixel as stored; an index into a palette is one.
        bit_depth: bits per sample as stored. BMP packs unlike depths: 1 for bilevel, else 8.
    """

    format: Format
    width: int
    height: int
    channels: int
    bit_depth: int


def sniff(data: bytes) -> Header:
    """Read the header of an encoded picture; no pixel is decoded or allocated.

    Raises:
        UnsupportedFrame: a format other than PNG, JPEG, BMP or TIFF.
        InvalidFrame: not a picture, or its header is damaged.
    """
    kind = _format(data)
    if kind == "png":
        return _png_header(data)
    picture = open_picture(data, kind)
    return Header(kind, *picture.size, len(picture.getbands()), _bit_depth(picture))


def open_picture(data: bytes, kind: Format) -> ImageFile:
    """Open with Pillow's reader of that format. It reads the header; the pixels are decoded by `load()`.

    Raises:
        InvalidFrame: the header is damaged.
    """
    with refusing_damage(kind):
        return _READERS[kind](io.BytesIO(data))


@contextmanager
def refusing_damage(kind: Format) -> Iterator[None]:
    """Turn whatever Pillow raises over hostile bytes into `InvalidFrame`: it promises no set of exceptions."""
    try:
        yield
    except FlawgateError:
        raise
    except MemoryError as err:
        raise Overloaded("There is not enough memory to decode this picture now; send it again later.") from err
    except Exception as err:
        raise InvalidFrame(
            f"The {kind.upper()} picture is truncated, damaged or of an unknown kind; send a complete, common one."
        ) from err


def _format(data: bytes) -> Format:
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    for offset, signature, name in _REFUSED:
        if data.startswith(signature, offset):
            raise UnsupportedFrame(f"{name} pictures are not accepted; send {ACCEPTED}.", {"format": name})
    raise InvalidFrame(f"The bytes are not a picture; send {ACCEPTED}.")


def _png_header(data: bytes) -> Header:
    with refusing_damage("png"):
        tag, width, height, bit_depth, colour_type = struct.unpack_from(">4sIIBB", data, 12)
        if tag != b"IHDR" or not width or not height:
            raise ValueError("no IHDR chunk")
        return Header("png", width, height, _PNG_CHANNELS[colour_type], bit_depth)


def _bit_depth(picture: ImageFile) -> int:
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        return int(picture.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (1,))[0])
    return 1 if picture.mode == "1" else 8
