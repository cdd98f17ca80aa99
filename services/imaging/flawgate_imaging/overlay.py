"""Pictures for people: the mask alone, and the frame with everything that was found on it."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flawgate_imaging.defects import Box, Defect
from flawgate_imaging.encoding import encode_png
from flawgate_imaging.geometry import Geometry

Pixels = NDArray[np.uint8]
Probability = Pixels | NDArray[np.float32]
RGB = tuple[int, int, int]

BANNER_COLOURS: dict[str, RGB] = {"OK": (22, 118, 66), "NOT_OK": (186, 28, 38), "NOT_DECIDABLE": (156, 96, 0)}
"""Of each evaluation; white text on them has a contrast of at least 4.5 : 1."""

MIN_WIDTH_PX = 320
"""A narrower frame is enlarged by a whole number, so that the banner's text fits."""

_MARK: RGB = (255, 45, 60)
_SHADE: RGB = (20, 20, 24)
_WHITE: RGB = (255, 255, 255)
_OPACITY = 0.55
_OUTLINE_AT = 0.5


def mask_png(plane: Pixels, geometry: Geometry) -> bytes:
    """The mask in the size of the original frame.

    Args:
        plane: (h, w), uint8, probability × 255; of any resolution, spread over the tensor.
        geometry: from the tensor to the original frame.

    Returns:
        A grey PNG of 8 bit.
    """
    return encode_png(geometry.map_to_frame(plane))


def overlay_png(
    frame_pixels: Pixels,
    probability: Probability,
    geometry: Geometry,
    defects: Sequence[Defect],
    evaluation: str,
    score: float,
    threshold: float,
) -> bytes:
    """The frame with its mask tinted and outlined, its defects boxed, and the evaluation in a banner above it.

    The banner is added above the frame and hides none of it; a frame narrower than `MIN_WIDTH_PX` is enlarged.

    Args:
        frame_pixels: the original frame, uint8, 0–255: grey (H, W) or RGB (H, W, 3).
        probability: (h, w), or (C, h, w) of which the largest is shown; float32, 0–1, or uint8, probability × 255.
        geometry: from the tensor to the original frame.
        defects: those to box, each labelled with its peak.
        evaluation: `OK`, `NOT_OK` or `NOT_DECIDABLE`.
        score: the inspection's score, 0–1.
        threshold: the policy's threshold, 0–1.

    Returns:
        An RGB PNG of 8 bit.
    """
    scale = -(-MIN_WIDTH_PX // frame_pixels.shape[1]) if frame_pixels.shape[1] < MIN_WIDTH_PX else 1
    picture = _tinted(_enlarged(_rgb(frame_pixels), scale), _enlarged(_plane(probability, geometry), scale))
    height, width = picture.shape[:2]
    text_px = max(13, round(min(height, width) / 34))
    canvas = Image.new("RGB", (width, height + 2 * text_px), BANNER_COLOURS[evaluation])
    canvas.paste(_with_boxes(picture, defects, scale, text_px), (0, 2 * text_px))
    _write_banner(canvas, text_px, evaluation, f"score {score:.3f}   threshold {threshold:.3f}")
    return encode_png(np.asarray(canvas))


def _rgb(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels


def _enlarged(pixels: Pixels, scale: int) -> Pixels:
    """Every pixel repeated `scale` times along both axes."""
    return pixels if scale == 1 else pixels.repeat(scale, 0).repeat(scale, 1)


def _plane(probability: Probability, geometry: Geometry) -> Pixels:
    """The largest channel in the frame's size, uint8, probability × 255."""
    plane = probability.max(axis=0) if probability.ndim == 3 else probability
    scaled = plane if plane.dtype == np.uint8 else np.rint(np.clip(plane, 0, 1) * 255)
    return geometry.map_to_frame(scaled.astype(np.uint8))


def _tinted(picture: Pixels, plane: Pixels) -> Pixels:
    """The picture, reddened in proportion to the probability, with an outline where it passes one half."""
    share = (_OPACITY / 255) * plane[..., np.newaxis].astype(np.float32)
    mixed = picture + share * (np.array(_MARK, np.float32) - picture)
    tinted = np.ascontiguousarray(np.rint(mixed).astype(np.uint8))
    mask = (plane >= 255 * _OUTLINE_AT).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, outlines, -1, _MARK, 1, cv2.LINE_AA)
    return tinted


def _with_boxes(picture: Pixels, defects: Sequence[Defect], scale: int, text_px: int) -> Image.Image:
    """The picture with a box around each defect, the most probable drawn last, on top."""
    canvas = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(text_px)
    stroke = max(1, round(text_px / 10))
    for defect in reversed(defects):
        left, top, right, bottom = _frame_around(defect.box, scale, pad=2 * stroke + 2)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_SHADE, width=stroke + 2)
        draw.rectangle((left, top, right, bottom), outline=_MARK, width=stroke)
        _write_label(draw, font, f"{defect.peak:.2f}", (left, top, bottom), canvas.size)
    return canvas


def _frame_around(box: Box, scale: int, pad: int) -> tuple[int, int, int, int]:
    left, top = box.x * scale - pad, box.y * scale - pad
    return left, top, (box.x + box.width) * scale - 1 + pad, (box.y + box.height) * scale - 1 + pad


def _write_label(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    text: str,
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
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=_MARK)
    draw.text((x + pad - x0, y + pad - y0), text, _WHITE, font)


def _write_banner(canvas: Image.Image, text_px: int, evaluation: str, facts: str) -> None:
    """The evaluation on the left, the facts on the right, in the middle of the top 2 × `text_px` rows."""
    draw, middle = ImageDraw.Draw(canvas), text_px
    words, bold = evaluation.replace("_", " "), max(1, text_px // 26)
    draw.text((text_px // 2, middle), words, _WHITE, ImageFont.load_default(text_px), "lm", stroke_width=bold / 2)
    small = ImageFont.load_default(max(12, round(text_px * 0.85)))
    draw.text((canvas.width - text_px // 2, middle), facts, _WHITE, small, "rm")
