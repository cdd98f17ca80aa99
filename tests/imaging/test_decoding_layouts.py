import struct
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.picture_files import GREY, RGB, Pixels, chunk, encoded, grey_tiff, png

from flawgate_contracts.errors import UnsupportedFrame
from flawgate_imaging.decoding import decode, sniff


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
