"""From a decoded Pillow picture to our two layouts: grey (H, W) or RGB (H, W, 3), uint8, 0–255."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from flawgate_contracts.errors import UnsupportedFrame

Pixels = NDArray[np.uint8]

_ORIENTATION = 0x0112

_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}
"""EXIF 2.32, section 4.6.4, tag Orientation: from the stored picture to the upright one. 1 changes nothing."""


def to_pixels(picture: Image) -> Pixels:
    """The pixels of a loaded picture, by the rules of `decoding.decode`: grey (H, W) or RGB (H, W, 3), uint8, 0–255.

    Raises:
        UnsupportedFrame: a layout that the rules refuse (CMYK, float, 32 bit, transparent, ...).
    """
    if picture.mode.startswith("I;16"):
        return _high_byte(picture)
    if picture.has_transparency_data:
        picture = _without_alpha(picture)
    if picture.mode in ("L", "RGB"):
        return np.array(picture, dtype=np.uint8)
    if picture.mode in ("1", "P"):
        return np.array(picture.convert("L" if picture.mode == "1" else "RGB"), dtype=np.uint8)
    raise UnsupportedFrame(
        f"Pictures of layout {picture.mode} are not accepted; send grey or RGB of 8 or 16 bit.",
        {"layout": picture.mode},
    )


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror by an EXIF orientation, 1–8; any other value is reserved and changes nothing."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def exif_orientation(picture: Image) -> int:
    """The picture's EXIF orientation, 1 where it states none."""
    return int(picture.getexif().get(_ORIENTATION, 1))


def _high_byte(picture: Image) -> Pixels:
    if "transparency" in picture.info:
        raise UnsupportedFrame("Grey pictures of 16 bit with a transparent value are not accepted; send them opaque.")
    return (np.asarray(picture) >> 8).astype(np.uint8)


def _without_alpha(picture: Image) -> Image:
    opaque = picture.convert("RGBA") if picture.mode != "LA" else picture
    if opaque.getchannel("A").getextrema()[0] != 255:
        raise UnsupportedFrame("Transparent pixels have no known colour; send the picture without an alpha channel.")
    return opaque.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
