"""Pictures of one frame for the page: what it shows, what is marked in truth, and what the network sees in it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.encoding import encode_jpeg
from flawgate_training.datasets.samples import Pixels

RGB = tuple[int, int, int]
Map = NDArray[np.float32]
Box = tuple[slice, slice]

TRUTH: RGB = (0, 214, 255)
FOUND: RGB = (255, 110, 0)
"""Blue and orange are told apart by colour-blind people too."""

PALETTE: tuple[RGB, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)
"""Of classes 1, 2, ..., in turn: Okabe and Ito's colours."""

_LONG_PX = 420
"""Longest side of a panel."""
_QUALITY = 82
_OPACITY = 0.6
_ZOOM_SHARE = 0.3
"""Least side of the window that is shown enlarged, as a share of the frame's shorter side."""


@dataclass(frozen=True)
class Panel:
    """One picture. `source`: a data URI."""

    caption: str
    source: str
    width: int
    height: int


def defect_panels(pixels: Pixels, mask: Pixels, heat: Map, found: NDArray[np.bool_]) -> list[Panel]:
    """The whole frame, and its most telling window enlarged, without and with what the network marks.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8, 0 where nothing is wrong in truth.
        heat: (H, W), float32, 0–1: how strongly to tint.
        found: (H, W): what counts as marked by the network; outlined.
    """
    window = _window(mask, heat)
    tinted = _tinted(_rgb(pixels), heat)
    whole = _outlined(_outlined(_scaled(tinted), found, FOUND), mask > 0, TRUTH)
    return [
        _panel("whole frame", _framed(whole, window, mask.shape)),
        _panel("window", _scaled(_rgb(pixels)[window])),
        _panel("window, marked", _marked(tinted[window], found[window], mask[window] > 0)),
    ]


def heat_panels(pixels: Pixels, heat: Map, caption: str) -> list[Panel]:
    """The frame, and the same with a heat map.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        heat: (H, W), float32, 0–1.
        caption: what the map is.
    """
    rgb = _rgb(pixels)
    return [_panel("frame", _scaled(rgb)), _panel(caption, _scaled(_tinted(rgb, heat)))]


def class_panels(pixels: Pixels, mask: Pixels, answers: Pixels) -> list[Panel]:
    """The frame, its true classes and those answered, each class in its colour of `PALETTE`.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8, index of the true class, 0 for background.
        answers: (H, W), uint8, index of the class answered.
    """
    rgb = _rgb(pixels)
    return [
        _panel("frame", _scaled(rgb)),
        _panel("true classes", _scaled(_coloured(rgb, mask))),
        _panel("classes answered", _scaled(_coloured(rgb, answers))),
    ]


def _marked(window: Pixels, found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Pixels:
    return _outlined(_outlined(_scaled(window), found, FOUND), truth, TRUTH)


def _rgb(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels


def _tinted(rgb: Pixels, heat: Map) -> Pixels:
    share = _OPACITY * np.clip(heat, 0, 1)[..., np.newaxis]
    return np.asarray(np.rint(rgb + share * (np.array(FOUND, np.float32) - rgb)), np.uint8)


def _coloured(rgb: Pixels, indices: Pixels) -> Pixels:
    colours = np.array([PALETTE[place % len(PALETTE)] for place in range(256)], np.float32)
    share = np.where(indices > 0, _OPACITY, 0.0)[..., np.newaxis]
    return np.asarray(np.rint(rgb + share * (colours[indices.astype(int) - 1] - rgb)), np.uint8)


def _outlined(picture: Pixels, marked: NDArray[np.bool_], colour: RGB) -> Pixels:
    """The picture with an outline around what is marked; `marked` may be of another size."""
    height, width = picture.shape[:2]
    resized = cv2.resize(marked.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(resized, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.ascontiguousarray(picture)
    cv2.drawContours(drawn, outlines, -1, colour, 2, cv2.LINE_AA)
    return drawn


def _framed(picture: Pixels, window: Box, shape: Sequence[int]) -> Pixels:
    """The whole frame with a thin rectangle where the window is."""
    down, across = picture.shape[0] / shape[0], picture.shape[1] / shape[1]
    rows, columns = window
    start = (int(columns.start * across), int(rows.start * down))
    end = (int(columns.stop * across) - 1, int(rows.stop * down) - 1)
    drawn = np.ascontiguousarray(picture)
    cv2.rectangle(drawn, start, end, (0, 0, 0), 3)
    cv2.rectangle(drawn, start, end, (255, 255, 255), 1)
    return drawn


def _window(mask: Pixels, heat: Map) -> Box:
    """The square around the marked pixels or, where none are, around the hottest one; within the frame."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask) if mask.any() else np.nonzero(heat == heat.max())
    centre_y, centre_x = (int(rows.min()) + int(rows.max())) // 2, (int(columns.min()) + int(columns.max())) // 2
    spans = (int(np.ptp(rows)), int(np.ptp(columns))) if mask.any() else (0, 0)
    side = min(height, width, max(int(_ZOOM_SHARE * min(height, width)), int(1.4 * max(spans)), 32))
    top = min(max(0, centre_y - side // 2), height - side)
    left = min(max(0, centre_x - side // 2), width - side)
    return np.s_[top : top + side, left : left + side]


def _scaled(rgb: Pixels) -> Pixels:
    """To `_LONG_PX` along the longer side."""
    height, width = rgb.shape[:2]
    factor = _LONG_PX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=way), np.uint8)


def _panel(caption: str, picture: Pixels) -> Panel:
    encoded = base64.b64encode(encode_jpeg(np.ascontiguousarray(picture), _QUALITY)).decode()
    return Panel(caption, f"data:image/jpeg;base64,{encoded}", picture.shape[1], picture.shape[0])
