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


def below(first: Image.Image, second: Image.Image) -> Image.Image:
    """One strip below another of the same width."""
    strip = Image.new("RGB", (first.width, first.height + second.height), BACKGROUND)
    strip.paste(first, (0, 0))
    strip.paste(second, (0, first.height))
    return strip


def heat_strip(left: str, right: str, width: int, text_px: int) -> Image.Image:
    """A bar of the heat map's colours between what the first and the last of them stand for.

    Args:
        left: of the first; cut off where it would leave the bar less than a quarter of the strip.
        right: of the last.
        width: of the strip, in pixels.
        text_px: height of the text, in pixels.
    """
    font, gap, row_px = ImageFont.load_default(text_px), text_px // 2, 2 * text_px
    strip = Image.new("RGB", (width, row_px), BACKGROUND)
    draw, middle = ImageDraw.Draw(strip), row_px // 2
    end = width - 2 * gap - round(font.getlength(right))
    left = _cut(left, font, end - width // 4 - 2 * gap)
    start = min(2 * gap + round(font.getlength(left)), end - 1)
    heats = np.tile(np.linspace(0, 1, end - start, dtype=np.float32), (text_px, 1))
    strip.paste(Image.fromarray(ramp(heats)), (start, middle - text_px // 2))
    draw.text((gap, middle), left, _TEXT, font, "lm")
    draw.text((width - gap, middle), right, _TEXT, font, "rm")
    return strip


def _cut(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    """As much of a text as fits into so many pixels, with an ellipsis where something is missing."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _square_px(item: Item, text_px: int) -> int:
    return 0 if item.colour is None else text_px + text_px // 2
