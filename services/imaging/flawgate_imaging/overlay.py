"""Pictures for people: the mask alone, and the frame with everything that was found on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flawgate_imaging.defects import Box, Defect
from flawgate_imaging.encoding import encode_png
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.legend import Item, below, heat_strip, items_strip
from flawgate_imaging.tints import PALETTE, RAMP, RGB, colour_of, full_heat, glowing, heated, text_colour_on, tinted
from flawgate_imaging.winners import Winners, winners

Pixels = NDArray[np.uint8]
Probability = Pixels | NDArray[np.float32]
Value = TypeVar("Value", bound=np.generic)

BANNER_COLOURS: dict[str, RGB] = {"OK": (22, 118, 66), "NOT_OK": (186, 28, 38), "NOT_DECIDABLE": (156, 96, 0)}
"""Of each evaluation; white text on them has a contrast of at least 4.5 : 1."""

MIN_WIDTH_PX = 320
"""A narrower frame is enlarged by a whole number, so that the banner's text fits."""

MAX_CAPTIONS = 5
"""Classes of a frame that are told with their probabilities."""

_SHADE: RGB = (20, 20, 24)
_WHITE: RGB = (255, 255, 255)
_FAINTEST = 1 / 255


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn on a frame, and said about it.

    Attributes:
        evaluation: `OK`, `NOT_OK` or `NOT_DECIDABLE`.
        score: the inspection's score, 0–1.
        threshold: the policy's threshold, 0–1; None: not the score decides, but what `reason` says.
        defects: those to box, each labelled with its peak, and its class where the mask has several.
        mask: (C, h, w), float32, 0–1, or uint8, probability × 255; of any resolution, spread over the tensor. None:
            the recipe makes none.
        classes: names of its channels; of several, the first is the background.
        mask_threshold: a pixel belongs to a defect from this probability upwards, above 0, below 1.
        is_residual: the mask is that of an anomaly, and is drawn as a heat map.
        probabilities: of the classes of frames, 0–1, by name; the likeliest are told below the picture.
        explanation: (h, w), float32, 0–1, or uint8, × 255; of any resolution, spread over the tensor: where the
            likeliest of the classes is seen (Grad-CAM). It is drawn as a heat map, the fainter the less probable the
            class. None: nobody says.
        reason: why this evaluation, UPPER_SNAKE.
    """

    evaluation: str
    score: float
    threshold: float | None
    defects: Sequence[Defect] = ()
    mask: Probability | None = None
    classes: Sequence[str] = ()
    mask_threshold: float = 0.5
    is_residual: bool = False
    probabilities: Sequence[tuple[str, float]] = ()
    explanation: Probability | None = None
    reason: str = ""


def mask_png(mask: Pixels, geometry: Geometry) -> bytes:
    """The mask in the size of the original frame: how probable it is that a pixel is defective.

    Args:
        mask: (C, h, w), uint8, probability × 255; of any resolution, spread over the tensor. Of several channels the
            first is the background.
        geometry: from the tensor to the original frame.

    Returns:
        A grey PNG of 8 bit.
    """
    plane = mask[0] if len(mask) == 1 else 255 - mask[0]
    return encode_png(geometry.map_to_frame(plane))


def overlay_png(frame_pixels: Pixels, geometry: Geometry, drawing: Drawing) -> bytes:
    """The frame with its mask tinted and outlined, its defects boxed, and the evaluation in a banner above it.

    Banner and legend are added above and below the frame and hide none of it; a frame narrower than `MIN_WIDTH_PX` is
    enlarged.

    Args:
        frame_pixels: the original frame, uint8, 0–255: grey (H, W) or RGB (H, W, 3).
        geometry: from the tensor to the original frame.
        drawing: what is drawn on it.

    Returns:
        An RGB PNG of 8 bit.
    """
    scale = -(-MIN_WIDTH_PX // frame_pixels.shape[1]) if frame_pixels.shape[1] < MIN_WIDTH_PX else 1
    pixels = _pixels(drawing, geometry, scale)
    picture = _coloured(_enlarged(_rgb(frame_pixels), scale), pixels, drawing)
    picture = _explained(picture, geometry, drawing, scale)
    height, width = picture.shape[:2]
    text_px = max(13, round(min(height, width) / 34))
    legend = _legend(drawing, pixels, width, text_px)
    legend_px = 0 if legend is None else legend.height
    canvas = Image.new("RGB", (width, 2 * text_px + height + legend_px), BANNER_COLOURS[drawing.evaluation])
    canvas.paste(_with_boxes(picture, drawing, scale, text_px), (0, 2 * text_px))
    if legend is not None:
        canvas.paste(legend, (0, 2 * text_px + height))
    _write_banner(canvas, text_px, drawing)
    return encode_png(np.asarray(canvas))


def _rgb(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels


def _enlarged(pixels: NDArray[Value], scale: int) -> NDArray[Value]:
    """Every pixel repeated `scale` times along both axes."""
    return pixels if scale == 1 else pixels.repeat(scale, 0).repeat(scale, 1)


def _pixels(drawing: Drawing, geometry: Geometry, scale: int) -> Winners | None:
    """The mask in the picture's size, faint pixels too; None where there is nothing to show."""
    if drawing.mask is None:
        return None
    found = winners(_unit(drawing.mask), geometry, _FAINTEST)
    return None if found is None else Winners(_enlarged(found.channel, scale), _enlarged(found.probability, scale))


def _unit(values: Probability) -> NDArray[np.float32]:
    """To 0–1, float32."""
    scaled = np.divide(values, 255, dtype=np.float32) if values.dtype == np.uint8 else values
    return np.asarray(scaled, np.float32)


def _explained(picture: Pixels, geometry: Geometry, drawing: Drawing, scale: int) -> Pixels:
    if drawing.explanation is None or not _shows_explanation(drawing):
        return picture
    heat = _enlarged(geometry.map_to_frame(_unit(drawing.explanation)), scale)
    return glowing(picture, heat, _likeliest(drawing)[1])


def _shows_explanation(drawing: Drawing) -> bool:
    """Whether there is one that can be seen."""
    return drawing.explanation is not None and bool(drawing.probabilities) and _likeliest(drawing)[1] >= _FAINTEST


def _likeliest(drawing: Drawing) -> tuple[str, float]:
    return max(drawing.probabilities, key=lambda told: told[1])


def _coloured(picture: Pixels, pixels: Winners | None, drawing: Drawing) -> Pixels:
    if pixels is None:
        return picture
    if drawing.is_residual:
        return heated(picture, pixels.probability, drawing.mask_threshold)
    return tinted(picture, pixels, len(drawing.classes), drawing.mask_threshold)


def _legend(drawing: Drawing, pixels: Winners | None, width: int, text_px: int) -> Image.Image | None:
    """Below the picture: the likeliest classes of the frame, the scale of a heat map, or the classes that are shown."""
    if drawing.probabilities:
        ranked = sorted(drawing.probabilities, key=lambda told: -told[1])[:MAX_CAPTIONS]
        told = items_strip([Item(f"{name} {probability:.3f}") for name, probability in ranked], width, text_px)
        if not _shows_explanation(drawing):
            return told
        return below(told, heat_strip(f"Grad-CAM of {_likeliest(drawing)[0]}: little", "much", width, text_px))
    if drawing.is_residual:
        return heat_strip("residual 0", f"{full_heat(drawing.mask_threshold):.3g}", width, text_px)
    channels = len(drawing.classes)
    if pixels is None or channels == 1:
        return None
    shown = [channel for channel in np.unique(pixels.channel).tolist() if channel > 0]
    items = [Item(drawing.classes[channel], colour_of(channel, channels)) for channel in shown]
    return items_strip(items, width, text_px) if items else None


def _with_boxes(picture: Pixels, drawing: Drawing, scale: int, text_px: int) -> Image.Image:
    """The picture with a box around each defect, the most probable drawn last, on top."""
    canvas = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(text_px)
    stroke = max(1, round(text_px / 10))
    for defect in reversed(drawing.defects):
        colour = _colour(defect, drawing)
        left, top, right, bottom = _frame_around(defect.box, scale, pad=2 * stroke + 2)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_SHADE, width=stroke + 2)
        draw.rectangle((left, top, right, bottom), outline=colour, width=stroke)
        name = f"{defect.class_name} " if len(drawing.classes) > 1 else ""
        _write_label(draw, font, f"{name}{defect.peak:.2f}", colour, (left, top, bottom), canvas.size)
    return canvas


def _colour(defect: Defect, drawing: Drawing) -> RGB:
    """That of its class."""
    if drawing.is_residual:
        return RAMP[-1]
    known = list(drawing.classes)
    return colour_of(known.index(defect.class_name), len(known)) if defect.class_name in known else PALETTE[0]


def _frame_around(box: Box, scale: int, pad: int) -> tuple[int, int, int, int]:
    left, top = box.x * scale - pad, box.y * scale - pad
    return left, top, (box.x + box.width) * scale - 1 + pad, (box.y + box.height) * scale - 1 + pad


def _write_label(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    text: str,
    colour: RGB,
    box: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    """A filled label above the box (left, top, bottom), or below where there is no room; never off the picture."""
    left, top, bottom = box
    x0, y0, x1, y1 = font.getbbox(text)
    pad = max(2, round((y1 - y0) / 3))
    width, height = round(x1 - x0) + 2 * pad, round(y1 - y0) + 2 * pad
    x = max(0, min(left - 1, size[0] - width))
    y = top - height if top >= height else min(bottom + 1, size[1] - height)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    draw.text((x + pad - x0, y + pad - y0), text, text_colour_on(colour), font)


def _write_banner(canvas: Image.Image, text_px: int, drawing: Drawing) -> None:
    """The evaluation on the left, the facts on the right, in the middle of the top 2 × `text_px` rows."""
    draw, middle = ImageDraw.Draw(canvas), text_px
    words, bold = drawing.evaluation.replace("_", " "), max(1, text_px // 26)
    draw.text((text_px // 2, middle), words, _WHITE, ImageFont.load_default(text_px), "lm", stroke_width=bold / 2)
    by = drawing.reason.replace("_", " ").lower() if drawing.threshold is None else f"threshold {drawing.threshold:.3f}"
    small = ImageFont.load_default(max(12, round(text_px * 0.85)))
    draw.text((canvas.width - text_px // 2, middle), f"score {drawing.score:.3f}   {by}", _WHITE, small, "rm")
