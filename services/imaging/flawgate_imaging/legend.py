"""The strip below an overlay: what its colours mean, or what is said of the frame as a whole."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from flawgate_imaging.tints import RGB, ramp

BACKGROUND: RGB = (24, 26, 30)
_TEXT: RGB = (235, 236, 240)


class Item(NamedTuple):
    """One word of a legend, with a square of its colour where it has one."""

    text: str
    colour: RGB | None = None


def items_strip(items: Sequence[Item], width: int, text_px: int) -> Image.Image:
    """Items from left to right, in as many rows as they need.

    Args:
        items: in order; one that is wider than the strip is cut off.
        width: of the strip, in pixels.
        text_px: height of the text, in pixels.
    """
    font = ImageFont.load_default(text_px)
    gap, row_px = text_px // 2, 2 * text_px
    places: list[tuple[int, int]] = []
    x, y = gap, 0
    for item in items:
        needed = _square_px(item, text_px) + round(font.getlength(item.text)) + 2 * gap
        if x > gap and x + needed > width:
            x, y = gap, y + row_px
        places.append((x, y))
        x += needed
    strip = Image.new("RGB", (width, y + row_px), BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for item, (left, top) in zip(items, places, strict=True):
        middle = top + row_px // 2
        if item.colour is not None:
            draw.rectangle((left, middle - text_px // 2, left + text_px, middle + text_px // 2), item.colour)
        draw.text((left + _square_px(item, text_px), middle), item.text, _TEXT, font, "lm")
    return strip


def heat_strip(full: float, width: int, text_px: int) -> Image.Image:
    """A bar of the heat map's colours, from 0 to the residual that has the last of them.

    Args:
        full: that residual.
        width: of the strip, in pixels.
        text_px: height of the text, in pixels.
    """
    font, gap, row_px = ImageFont.load_default(text_px), text_px // 2, 2 * text_px
    strip = Image.new("RGB", (width, row_px), BACKGROUND)
    draw, middle = ImageDraw.Draw(strip), row_px // 2
    left, right = "residual 0", f"{full:.3g}"
    start = 2 * gap + round(font.getlength(left))
    end = max(start + 1, width - 2 * gap - round(font.getlength(right)))
    heats = np.tile(np.linspace(0, 1, end - start, dtype=np.float32), (text_px, 1))
    strip.paste(Image.fromarray(ramp(heats)), (start, middle - text_px // 2))
    draw.text((gap, middle), left, _TEXT, font, "lm")
    draw.text((width - gap, middle), right, _TEXT, font, "rm")
    return strip


def _square_px(item: Item, text_px: int) -> int:
    return 0 if item.colour is None else text_px + text_px // 2
