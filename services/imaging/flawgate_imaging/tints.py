"""Colours for what a mask shows: one for each class, and a ramp for a residual."""

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.winners import Winners

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
RGB = tuple[int, int, int]

PALETTE: tuple[RGB, ...] = (
    (255, 45, 60),
    (30, 144, 255),
    (255, 200, 0),
    (214, 64, 232),
    (0, 190, 110),
    (255, 128, 0),
    (0, 200, 220),
    (140, 100, 255),
)
"""Of the first class that is no background, the second, ...; after the last they come again."""

RAMP: tuple[RGB, ...] = ((255, 236, 80), (255, 128, 0), (214, 16, 48), (110, 0, 60))
"""From a residual of 0, evenly, to `full_heat`."""

_OPACITY = 0.55
_DARK_TEXT_FROM = 0.25


def colour_of(channel: int, channels: int) -> RGB:
    """That of a mask's channel; of several, the first is the background, which has none of its own."""
    return PALETTE[(channel if channels == 1 else channel - 1) % len(PALETTE)]


def text_colour_on(colour: RGB) -> RGB:
    """Black or white, whichever is read better (WCAG 2.2, relative luminance)."""
    channels = np.array(colour) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return (0, 0, 0) if float(linear @ [0.2126, 0.7152, 0.0722]) > _DARK_TEXT_FROM else (255, 255, 255)


def tinted(picture: Pixels, pixels: Winners, channels: int, threshold: float) -> Pixels:
    """Each class in its colour, in proportion to the probability, with an outline where it passes the threshold.

    Args:
        picture: (H, W, 3), uint8.
        pixels: of the same size, also those below the threshold.
        channels: of the mask.
        threshold: 0–1, from which on a pixel belongs to a defect.

    Returns:
        A picture of its own.
    """
    background = 0 if channels > 1 else -1
    defective = pixels.channel > background
    colours = np.array([colour_of(channel, channels) for channel in range(channels)], np.uint8)
    drawn = _mixed(picture, _OPACITY * pixels.probability * defective, colours[pixels.channel])
    for channel in np.unique(pixels.channel[defective]).tolist():
        marked = (pixels.channel == channel) & (pixels.probability >= threshold)
        _outline(drawn, marked, colour_of(channel, channels))
    return drawn


def heated(picture: Pixels, residual: Plane, threshold: float) -> Pixels:
    """A residual as a heat map, with an outline where it passes the threshold.

    Args:
        picture: (H, W, 3), uint8.
        residual: (H, W), float32, 0–1.
        threshold: 0–1, from which on a pixel belongs to a defect.

    Returns:
        A picture of its own.
    """
    heat = np.minimum(residual / full_heat(threshold), 1)
    drawn = _mixed(picture, _OPACITY * np.minimum(2 * heat, 1), ramp(heat))
    _outline(drawn, residual >= threshold, RAMP[-1])
    return drawn


def glowing(picture: Pixels, heat: Plane, opacity: float) -> Pixels:
    """A heat map over the whole picture, without an outline: it says where to look, not where something ends.

    Args:
        picture: (H, W, 3), uint8.
        heat: (H, W), float32, 0–1; 0 is not drawn.
        opacity: 0–1: how much of the usual one.

    Returns:
        A picture of its own.
    """
    share = np.float32(_OPACITY * opacity) * np.minimum(2 * heat, 1)
    return _mixed(picture, share, ramp(heat))


def full_heat(threshold: float) -> float:
    """The residual from which on a heat map has its last colour: twice the threshold, where there is so much."""
    return min(1.0, 2 * threshold)


def ramp(heat: Plane) -> Pixels:
    """Colours of heats, 0–1: (..., ) float32 → (..., 3), uint8."""
    stops = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(heat, stops, np.array(RAMP)[:, i]).astype(np.uint8) for i in range(3)], axis=-1)


def _mixed(picture: Pixels, share: Plane, colours: Pixels) -> Pixels:
    """The picture, and of each pixel's colour as much as its share, 0–1."""
    mixed = picture + share[..., np.newaxis] * (colours.astype(np.float32) - picture)
    return np.ascontiguousarray(np.rint(mixed).astype(np.uint8))


def _outline(picture: Pixels, marked: NDArray[np.bool_], colour: RGB) -> None:
    outlines, _ = cv2.findContours(marked.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, colour, 1, cv2.LINE_AA)
