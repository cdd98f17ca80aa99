from dataclasses import replace

import numpy as np
import pytest
from support.camera_parts import noise

from flawgate_camera.config.cameras import Encoding, Region
from flawgate_camera.encoding import cut, pack
from flawgate_camera.frames import Layout
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_imaging.decoding import decode, decode_raw


@pytest.mark.parametrize("size", [(20, 30), (20, 30, 3)])
@pytest.mark.parametrize("kind", ["png", "raw"])
def test_png_and_raw_keep_every_pixel(kind: str, size: tuple[int, ...]) -> None:
    """What is packed without loss is the picture again, grey or RGB."""
    picture = noise(1, size)
    data, layout = pack(picture, Encoding.model_validate({"format": kind}))
    if layout is None:
        pixels = decode(data)
    else:
        pixels = decode_raw(data, width=layout.width, height=layout.height, channels=layout.channels)
    assert np.array_equal(pixels, picture.pixels)
    assert layout == (None if kind == "png" else Layout(30, 20, 1 if len(size) == 2 else 3))


def test_jpeg_is_smaller_and_alike() -> None:
    """JPEG of a smooth picture is close to it."""
    picture = replace(noise(1), pixels=np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1)))
    data, layout = pack(picture, Encoding(format="jpeg", quality=90))
    assert layout is None
    assert int(np.abs(decode(data).astype(int) - picture.pixels).max()) <= 8


def test_a_file_is_passed_on_as_it_is() -> None:
    """A folder's file goes out byte for byte, unless something was cut out of it, or an encoding is asked for."""
    picture = replace(noise(1), file=b"the file itself")
    region = Region(width=10, height=10)
    assert pack(cut(picture, None), None)[0] == b"the file itself"
    assert pack(cut(picture, None), Encoding())[0] != b"the file itself"
    assert pack(cut(picture, region), None)[0] != b"the file itself"


def test_a_region_is_cut_out() -> None:
    """The region of interest is what is sent, row by row."""
    picture = noise(1, (20, 30, 3))
    data, layout = pack(cut(picture, Region(x=5, y=2, width=10, height=8)), Encoding(format="raw"))
    assert layout == Layout(10, 8, 3)
    assert data == picture.pixels[2:10, 5:15].tobytes()


def test_a_region_outside_is_told() -> None:
    """A region that the pictures do not have is a fault of the configuration, told with both sizes."""
    with pytest.raises(SourceFailed, match=r"40 × 8 pixels .* pictures of 30 × 20") as raised:
        cut(noise(1, (20, 30)), Region(width=40, height=8))
    assert raised.value.cause is Cause.REGION_OUTSIDE
