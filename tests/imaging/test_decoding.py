import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flawgate_contracts.errors import (
    BodyTooLarge,
    EmptyFrame,
    FlawgateError,
    FrameTooLarge,
    InvalidFrame,
    UnsupportedFrame,
)
from flawgate_imaging.decoding import Header, Limits, decode, decode_raw, sniff

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


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_lossless_formats_give_the_pixels_that_were_written(kind: str, pixels: Pixels) -> None:
    """PNG, BMP and TIFF come back exactly, grey as (H, W) and colour as (H, W, 3) in RGB order."""
    decoded = decode(encoded(pixels, kind))
    assert pixels.shape == decoded.shape
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(pixels, decoded)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=["baseline", "prog", "444"])
@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_jpeg_is_decoded_as_opencv_does(pixels: Pixels, options: dict[str, Any]) -> None:
    """Baseline and progressive JPEG agree with OpenCV's decoder within one grey level."""
    data = encoded(cv2.GaussianBlur(pixels, (0, 0), 2), "JPEG", quality=92, **options)
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert theirs is not None
    expected = theirs if pixels.ndim == 2 else cv2.cvtColor(theirs, cv2.COLOR_BGR2RGB)
    actual = decode(data)
    assert expected.shape == actual.shape
    assert np.abs(expected.astype(int) - actual).max() <= 1


def test_equal_channels_stay_colour() -> None:
    """A colour file whose channels are equal is not turned grey behind the caller's back."""
    assert decode(encoded(np.stack([GREY] * 3, -1), "PNG")).shape == (37, 53, 3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_palette_becomes_rgb(kind: str) -> None:
    """A palette picture gives the palette's colours."""
    picture = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), decode(encoded(picture, kind)))


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(1, [0, 255, 0, 255]), (2, [0, 85, 170, 255]), (4, [0, 17, 238, 255])],
)
def test_fewer_bits_are_spread_over_the_whole_range(bits: int, expected: list[int]) -> None:
    """Grey PNG of 1, 2 and 4 bit reaches from 0 to 255."""
    values = [value >> (8 - bits) for value in expected]
    packed = sum(value << bits * (3 - place) for place, value in enumerate(values)) << (16 - 4 * bits)
    data = png(4, 1, bits, 0, b"\0" + struct.pack(">H", packed)[: (4 * bits + 7) // 8])
    np.testing.assert_array_equal(np.array([expected], np.uint8), decode(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_bilevel_becomes_black_and_white(kind: str) -> None:
    """A picture of 1 bit gives 0 and 255."""
    picture = Image.fromarray(GREY).convert("1")
    np.testing.assert_array_equal(np.asarray(picture.convert("L")), decode(encoded(picture, kind)))


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_gives_the_high_byte(kind: str, channels: int) -> None:
    """16-bit samples are shifted right by 8, grey and colour, PNG and TIFF alike."""
    values = np.array([[0, 255, 256, 32_767, 32_768, 65_279, 65_280, 65_535]], np.uint16).repeat(3, 0)
    pixels = values if channels == 1 else np.stack([values, values[:, ::-1], values], -1)
    ordered = pixels if channels == 1 else pixels[..., ::-1]
    data = cv2.imencode(f".{kind}", ordered)[1].tobytes()
    assert sniff(data).bit_depth == 16
    np.testing.assert_array_equal((pixels >> 8).astype(np.uint8), decode(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_opaque_alpha_is_dropped(kind: str, mode: str) -> None:
    """An alpha channel that is 255 everywhere changes nothing."""
    pixels = GREY if mode == "LA" else RGB
    np.testing.assert_array_equal(pixels, decode(encoded(Image.fromarray(pixels).convert(mode), kind)))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_one_transparent_pixel_refuses_the_frame(mode: str) -> None:
    """A single pixel of alpha 254 is enough: its colour is not known."""
    picture = Image.fromarray(RGB).convert(mode)
    picture.putpixel((5, 5), (*picture.getpixel((5, 5))[:-1], 254))  # type: ignore[index] # a tuple in these modes
    with pytest.raises(UnsupportedFrame, match="Transparent"):
        decode(encoded(picture, "PNG"))


def test_transparent_palette_entry_refuses_the_frame_only_where_it_is_used() -> None:
    """A PNG's tRNS entry counts when a pixel uses it, and not otherwise."""
    palette, clear_second = chunk(b"PLTE", bytes(range(6))), chunk(b"tRNS", b"\xff\x00")
    unused = png(2, 1, 8, 3, b"\0\0\0", palette, clear_second)
    np.testing.assert_array_equal(np.array([[[0, 1, 2], [0, 1, 2]]], np.uint8), decode(unused))
    with pytest.raises(UnsupportedFrame, match="Transparent"):
        decode(png(2, 1, 8, 3, b"\0\0\1", palette, clear_second))


def test_grey_of_16_bit_with_a_transparent_value_is_refused() -> None:
    """TRNS on 16-bit grey is refused whether or not a pixel has that value."""
    data = png(1, 1, 16, 0, b"\0\x12\x34", chunk(b"tRNS", b"\0\1"))
    with pytest.raises(UnsupportedFrame, match="16 bit"):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_refused(kind: str) -> None:
    """CMYK needs a colour profile that nobody sent."""
    with pytest.raises(UnsupportedFrame, match="CMYK"):
        decode(encoded(Image.fromarray(RGB).convert("CMYK"), kind))


@pytest.mark.parametrize("pixels", [GREY.astype(np.float32), GREY.astype(np.int32)], ids=["float32", "int32"])
def test_float_and_32_bit_tiff_are_refused(pixels: NDArray[Any]) -> None:
    """Samples without a known range are refused, not guessed at."""
    with pytest.raises(UnsupportedFrame, match="layout"):
        decode(encoded(pixels, "TIFF"))


@pytest.mark.parametrize(("bits", "photometric", "row"), [(12, 1, b"\0\0\0"), (16, 0, b"\0\0\0\0")])
def test_tiff_of_unclear_range_is_refused(bits: int, photometric: int, row: bytes) -> None:
    """TIFF of 12 bit, or of 16 bit with white as zero, is refused rather than decoded too dark or inverted."""
    with pytest.raises(UnsupportedFrame, match=f"{bits} bit"):
        decode(grey_tiff(2, 1, bits, photometric, row))


def test_tiff_with_white_as_zero_is_inverted() -> None:
    """8-bit TIFF whose zero is white comes out with black as zero."""
    np.testing.assert_array_equal(np.array([[255, 0]], np.uint8), decode(grey_tiff(2, 1, 8, 0, b"\x00\xff")))


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


def test_tiff_tile_over_the_limit_is_refused() -> None:
    """A tiny TIFF cannot make libtiff allocate a giant tile."""
    data = grey_tiff(16, 16, 8, 1, bytes(256), (322, 4, 1, 60_000), (323, 4, 1, 60_000))
    with pytest.raises(FrameTooLarge, match="tiles"):
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


def test_empty_frame_is_told_apart() -> None:
    """No byte at all is its own mistake."""
    with pytest.raises(EmptyFrame):
        decode(b"")


def test_text_is_no_picture() -> None:
    """Bytes of no known format are invalid, and the message names those that we take."""
    with pytest.raises(InvalidFrame, match="PNG, JPEG, BMP or TIFF"):
        decode(b"hello, this is no picture")


def test_byte_limit_is_inclusive_and_names_both_numbers() -> None:
    """A frame of exactly the limit passes; one byte more does not."""
    data = encoded(GREY, "PNG")
    assert decode(data, Limits(max_bytes=len(data))).shape == GREY.shape
    with pytest.raises(BodyTooLarge, match=rf"{len(data)} bytes, the limit is {len(data) - 1}"):
        decode(data, Limits(max_bytes=len(data) - 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_pixel_limits_are_inclusive(kind: str) -> None:
    """A frame of exactly the limits passes; one pixel or one column less allowed refuses it."""
    data = encoded(GREY, kind)
    assert decode(data, Limits(max_pixels=37 * 53, max_side_px=53)).shape == GREY.shape
    for limits in (Limits(max_pixels=37 * 53 - 1), Limits(max_side_px=52)):
        with pytest.raises(FrameTooLarge, match="53 × 37"):
            decode(data, limits)


def test_bomb_is_refused_from_its_header() -> None:
    """A PNG that declares 60,000 × 60,000 pixels is refused before its pixels are looked at, naming both sizes."""
    data = png(60_000, 60_000, 8, 2, b"")
    with pytest.raises(FrameTooLarge, match=r"60000 × 60000.* 50000000 pixels") as caught:
        decode(data)
    assert caught.value.metadata["width"] == "60000"


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_jpeg_of_endless_scans_is_refused(pixels: Pixels) -> None:
    """A progressive JPEG cannot keep the decoder busy with thousands of passes."""
    data = encoded(pixels, "JPEG", progressive=True)
    with pytest.raises(InvalidFrame, match="scans"):
        decode(data[:-2] + b"\xff\xda\x00\x02" * 200 + data[-2:])


def test_png_of_endless_chunks_is_refused() -> None:
    """A PNG cannot keep the reader busy with millions of empty chunks."""
    with pytest.raises(InvalidFrame, match="chunks"):
        decode(png(1, 1, 8, 0, b"\0\0", chunk(b"teSt", b"") * 70_000))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_bytes_after_the_end_are_ignored(kind: str) -> None:
    """Cameras that pad their files still get an answer."""
    data = encoded(GREY, kind)
    np.testing.assert_array_equal(decode(data), decode(data + b"padding" * 9))


FILES = {
    "png": encoded(GREY, "PNG"),
    "jpeg": encoded(GREY, "JPEG"),
    "jpeg-colour": encoded(RGB, "JPEG"),
    "jpeg-progressive": encoded(RGB, "JPEG", progressive=True),
    "bmp": encoded(RGB[:, :52], "BMP"),  # rows of a multiple of 4 bytes, so that the last byte is no padding
    "tiff": encoded(RGB, "TIFF"),
    "tiff-lzw": encoded(RGB, "TIFF", compression="tiff_lzw"),
}


@pytest.fixture
def _quiet_pillow() -> Iterator[None]:
    """Ignore Pillow's warnings about damaged metadata, as a service does; pytest would make them errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@pytest.mark.usefixtures("_quiet_pillow")
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_anywhere_is_invalid(name: str) -> None:
    """Wherever a file is cut, even before its very last byte, no picture half filled with grey comes out."""
    data = FILES[name]
    for end in {*range(1, len(data), 7), *range(len(data) - 40, len(data))}:
        with pytest.raises(InvalidFrame):
            decode(data[:end])


@pytest.mark.usefixtures("_quiet_pillow")
@pytest.mark.parametrize("name", FILES)
def test_damaged_bytes_give_a_picture_or_one_of_our_errors(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Flipped bytes anywhere never raise anything foreign, and nothing is printed (but by libtiff's LZW decoder)."""
    rng = np.random.default_rng(3)
    data = np.frombuffer(FILES[name], np.uint8)
    limits, refused = Limits(max_pixels=1_000_000), 0
    for _ in range(400):
        damaged = data.copy()
        places = rng.integers(0, min(len(data), rng.choice((64, 700, len(data)))), rng.integers(1, 6))
        damaged[places] = rng.integers(0, 256, len(places))
        try:
            decode(damaged.tobytes(), limits)
        except FlawgateError:
            refused += 1
    assert refused > 0
    assert name == "tiff-lzw" or capfd.readouterr() == ("", "")


@pytest.mark.parametrize("offset", [20, 45, 60, -20])
def test_any_flipped_bit_of_a_png_is_noticed(offset: int) -> None:
    """PNG has checksums, and they are compared."""
    data = bytearray(FILES["png"])
    data[offset] ^= 1
    with pytest.raises(FlawgateError):
        decode(bytes(data))


def test_a_palette_png_without_its_palette_is_invalid() -> None:
    """Pillow fails with an assertion there; the caller gets one of our errors."""
    with pytest.raises(InvalidFrame):
        decode(png(2, 1, 8, 3, b"\0\0\1"))


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


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_raw_pixels_pass_unchanged(pixels: Pixels) -> None:
    """Raw rows become the same array, as a writable copy."""
    channels = 1 if pixels.ndim == 2 else 3
    decoded = decode_raw(pixels.tobytes(), width=53, height=37, channels=channels)
    np.testing.assert_array_equal(pixels, decoded)
    assert decoded.flags.writeable


@pytest.mark.parametrize(
    ("size", "width", "height", "channels", "error"),
    [
        (0, 4, 4, 1, EmptyFrame),
        (15, 4, 4, 1, InvalidFrame),
        (17, 4, 4, 1, InvalidFrame),
        (16, 4, 4, 3, InvalidFrame),
        (32, 4, 4, 2, InvalidFrame),
        (16, -4, -4, 1, InvalidFrame),
        (16, 0, 4, 1, InvalidFrame),
        (16, 16, 1, 1, FrameTooLarge),
        (101, 4, 4, 1, BodyTooLarge),
    ],
)
def test_raw_pixels_that_do_not_fit_are_refused(
    size: int, width: int, height: int, channels: int, error: type[FlawgateError]
) -> None:
    """Size, channels and limits are checked against the bytes that came."""
    with pytest.raises(error):
        decode_raw(
            bytes(size), width=width, height=height, channels=channels, limits=Limits(max_bytes=100, max_side_px=8)
        )
