import numpy as np
import pytest
from support.picture_files import GREY, RGB, Pixels, chunk, encoded, grey_tiff, png

from flawgate_contracts.errors import BodyTooLarge, EmptyFrame, FlawgateError, FrameTooLarge, InvalidFrame
from flawgate_imaging.decoding import Limits, decode, decode_raw


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


def test_tiff_tile_over_the_limit_is_refused() -> None:
    """A tiny TIFF cannot make libtiff allocate a giant tile."""
    data = grey_tiff(16, 16, 8, 1, bytes(256), (322, 4, 1, 60_000), (323, 4, 1, 60_000))
    with pytest.raises(FrameTooLarge, match="tiles"):
        decode(data)


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
