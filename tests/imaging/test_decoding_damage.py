import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from support.picture_files import GREY, RGB, encoded, png

from flawgate_contracts.errors import EmptyFrame, FlawgateError, InvalidFrame
from flawgate_imaging.decoding import Limits, decode


def test_empty_frame_is_told_apart() -> None:
    """No byte at all is its own mistake."""
    with pytest.raises(EmptyFrame):
        decode(b"")


def test_text_is_no_picture() -> None:
    """Bytes of no known format are invalid, and the message names those that we take."""
    with pytest.raises(InvalidFrame, match="PNG, JPEG, BMP or TIFF"):
        decode(b"hello, this is no picture")


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
