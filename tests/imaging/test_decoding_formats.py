import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image
from support.picture_files import GREY, RGB, Pixels, chunk, encoded, png

from flawgate_contracts.errors import UnsupportedFrame
from flawgate_imaging.decoding import Header, decode, sniff


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_tiff_compressions_are_read(compression: str) -> None:
    """The compressions that cameras and tools write all decode."""
    decoded = decode(encoded(RGB, "TIFF", compression=compression))
    assert RGB.shape == decoded.shape
    if compression != "jpeg":
        np.testing.assert_array_equal(RGB, decoded)


def test_tiff_of_several_pages_is_refused() -> None:
    """Nobody could say which page is the part."""
    data = encoded(GREY, "TIFF", save_all=True, append_images=[Image.fromarray(GREY)])
    with pytest.raises(UnsupportedFrame, match="several pages"):
        decode(data)


def test_animated_png_is_refused() -> None:
    """APNG holds several pictures; none of them is the frame."""
    data = encoded(GREY, "PNG", save_all=True, append_images=[Image.fromarray(GREY.T.copy().T[::-1])])
    with pytest.raises(UnsupportedFrame, match="Animated"):
        decode(data)


def test_interlaced_png_is_read() -> None:
    """Adam7 interlacing is one more way to store the same pixels."""
    rows = b"\0\x0a" + b"\0\x14" + b"\0\x1e\x28"  # 2×2: passes 1, 6 and 7
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(np.array([[10, 20], [30, 40]], np.uint8), decode(data))


def test_run_length_coded_bmp_is_refused() -> None:
    """BMP with RLE8 is refused by its header."""
    header = struct.pack("<IiiHHIIiiII", 40, 4, 1, 1, 8, 1, 4, 0, 0, 2, 0) + bytes(8)
    data = b"BM" + struct.pack("<IHHI", 14 + len(header) + 4, 0, 0, 14 + len(header)) + header + b"\4\1\0\1"
    with pytest.raises(UnsupportedFrame, match="Run-length"):
        decode(data)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(GREY, "GIF"), "GIF"),
        (encoded(GREY, "WEBP"), "WebP"),
        (encoded(GREY, "JPEG2000"), "JPEG 2000"),
        (b"\0\0\0\x18ftypheic" + bytes(64), "HEIF"),
        (b"II+\0" + bytes(64), "BigTIFF"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_other_formats_are_refused_by_name(data: bytes, name: str) -> None:
    """A known format that we do not take is named, beside those that we do."""
    with pytest.raises(UnsupportedFrame, match=rf"{name}.*PNG, JPEG, BMP or TIFF"):
        decode(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(GREY, "PNG"), Header("png", 53, 37, 1, 8)),
        (encoded(RGB, "JPEG"), Header("jpeg", 53, 37, 3, 8)),
        (encoded(RGB, "BMP"), Header("bmp", 53, 37, 3, 8)),
        (encoded(Image.fromarray(GREY).convert("1"), "BMP"), Header("bmp", 53, 37, 1, 1)),
        (encoded(GREY.astype(np.uint16), "TIFF"), Header("tiff", 53, 37, 1, 16)),
        (encoded(Image.fromarray(RGB).convert("RGBA"), "PNG"), Header("png", 53, 37, 4, 8)),
        (png(9, 7, 4, 3, b""), Header("png", 9, 7, 1, 4)),
    ],
)
def test_sniff_reads_the_header(data: bytes, expected: Header) -> None:
    """Format, size as stored, samples per pixel and bits per sample come from the header alone."""
    assert expected == sniff(data)


ORIENTED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda p: p,
    2: lambda p: cv2.flip(p, 1).astype(np.uint8),
    3: lambda p: cv2.rotate(p, cv2.ROTATE_180).astype(np.uint8),
    4: lambda p: cv2.flip(p, 0).astype(np.uint8),
    5: lambda p: cv2.transpose(p).astype(np.uint8),
    6: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE).astype(np.uint8),
    7: lambda p: cv2.rotate(cv2.transpose(p), cv2.ROTATE_180).astype(np.uint8),
    8: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE).astype(np.uint8),
    9: lambda p: p,
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    """Each of the eight orientations turns the stored picture upright; a reserved value changes nothing."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode(encoded(RGB, kind, exif=exif))
    stored = decode(encoded(RGB, kind))
    np.testing.assert_array_equal(ORIENTED[orientation](stored), upright)
    assert upright.flags.c_contiguous


def test_orientation_agrees_with_opencv() -> None:
    """OpenCV, which applies EXIF too, turns the picture the same way."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(cv2.GaussianBlur(GREY, (0, 0), 2), "JPEG", exif=exif)
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert theirs is not None
    assert np.abs(theirs.astype(int) - decode(data)).max() <= 1
