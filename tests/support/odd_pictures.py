"""Pictures of every kind that a factory's software may send by mistake. Small, made here, of nobody's rights."""

import io
from typing import Any

import numpy as np
from PIL import Image

from support.pictures import spot_pixels
from support.tiny_repository import HEIGHT, WIDTH

GREY = Image.fromarray(spot_pixels(200))


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def grey_16_bit(value: int) -> bytes:
    """A PNG of 16 bit a sample, all of one value, 0–65535."""
    return saved(Image.fromarray(np.full((HEIGHT, WIDTH), value, np.uint16)), "PNG")


def palette() -> bytes:
    """A PNG whose pixels are indices into a palette."""
    return saved(GREY.convert("RGB").quantize(16), "PNG")


def cmyk() -> bytes:
    """A JPEG for a printing press."""
    return saved(GREY.convert("CMYK"), "JPEG")


def rgba(alpha: int) -> bytes:
    """A PNG with the same alpha, 0–255, everywhere."""
    picture = GREY.convert("RGBA")
    picture.putalpha(alpha)
    return saved(picture, "PNG")


def animated_png() -> bytes:
    """Two frames in one PNG."""
    return saved(GREY, "PNG", save_all=True, append_images=[Image.fromarray(spot_pixels(90))])


def two_page_tiff() -> bytes:
    """Two pages in one TIFF."""
    return saved(GREY, "TIFF", save_all=True, append_images=[GREY])


def turned_jpeg() -> bytes:
    """A JPEG that is stored lying on its side and says so in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(np.rot90(spot_pixels(200))), "JPEG", exif=exif, quality=95)
