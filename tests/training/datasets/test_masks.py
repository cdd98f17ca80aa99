import io

import numpy as np
import pytest
from PIL import Image
from support.picture_files import encoded, png

from flawgate_training.datasets.masks import Indexed, Marked

VALUES = np.array([[0, 1, 2], [2, 0, 1]], np.uint8)


def palette() -> bytes:
    """A PNG whose palette shows the values 0, 1, 2 as black, red and green."""
    picture = Image.fromarray(VALUES).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.putdata(VALUES.ravel().tolist())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def four_bit() -> bytes:
    """A grey PNG of 4 bits a sample."""
    rows = b"\x00\x01\x20" + b"\x00\x20\x10"
    return png(3, 2, 4, 0, rows)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(VALUES, "PNG"), id="grey"),
        pytest.param(encoded(VALUES.astype(np.uint16), "PNG"), id="grey of 16 bit"),
        pytest.param(encoded(VALUES.astype(np.uint16), "TIFF"), id="TIFF of 16 bit"),
        pytest.param(four_bit(), id="grey of 4 bit"),
        pytest.param(palette(), id="palette"),
        pytest.param(encoded(np.dstack([VALUES] * 3), "PNG"), id="RGB of equal channels"),
        pytest.param(encoded(VALUES, "BMP"), id="BMP"),
    ],
)
def test_indices(data: bytes) -> None:
    """Values come as they stand in the file, however many bits or colours they have there."""
    assert Indexed(2)(data).tolist() == VALUES.tolist()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(VALUES, "PNG"), id="grey"),
        pytest.param(encoded(VALUES.astype(np.uint16), "PNG"), id="grey of 16 bit"),
        pytest.param(palette(), id="palette"),
        pytest.param(encoded(np.dstack([VALUES * 0, VALUES * 0, VALUES]), "PNG"), id="nearly black blue"),
        pytest.param(encoded(VALUES > 0, "PNG"), id="1 bit"),
    ],
)
def test_marks(data: bytes) -> None:
    """Whatever is not black is marked, be it ever so dark."""
    assert Marked(3)(data).tolist() == np.where(VALUES > 0, 3, 0).tolist()


@pytest.mark.parametrize(
    ("pixels", "clause"),
    [
        (VALUES * 100, "value 200; the classes name 0 to 2"),
        (VALUES.astype(np.uint16) * 256, "value 512; the classes name 0 to 2"),
        (np.dstack([VALUES, VALUES * 0, VALUES]), "colours instead of class indices"),
    ],
)
def test_no_indices(pixels: np.ndarray, clause: str) -> None:
    """Values beyond the classes, and colours, are refused."""
    with pytest.raises(ValueError, match=clause):
        Indexed(2)(encoded(pixels, "PNG"))
