"""Light augmentation: what a camera over a line may see anyway."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from flawgate_training.datasets.samples import Pixels

_BRIGHTNESS, _CONTRAST = 12.0, 0.1


@dataclass(frozen=True)
class Augmentation:
    """Which changes are drawn.

    Attributes:
        crop: side of the square window that is cut out, in pixels; the whole frame where None. In a defective frame
            the window holds part of the defect, elsewhere it lies anywhere.
        flips: mirror left-right and top-bottom, each in half of the draws.
        tone: change brightness by up to ±12 grey levels and contrast by up to ±10 %.
    """

    crop: int | None = None
    flips: bool = True
    tone: bool = True

    def draw(self, pixels: Pixels, mask: Pixels, rng: Generator) -> tuple[Pixels, Pixels]:
        """Change one sample.

        Args:
            pixels: grey, (H, W), uint8, 0–255.
            mask: (H, W), uint8; mirrored along with the pixels.
            rng: where the draws come from.

        Returns:
            Pixels and mask, of the same kinds; (crop, crop) where one is cut out, else of the same shapes.
        """
        if self.crop is not None:
            window = _window(mask, self.crop, rng)
            pixels, mask = pixels[window], mask[window]
        if self.flips:
            ways = np.where(rng.random(2) < 0.5, -1, 1)
            pixels, mask = pixels[:: ways[0], :: ways[1]], mask[:: ways[0], :: ways[1]]
        if self.tone:
            pixels = _retoned(
                pixels, gain=1 + rng.uniform(-_CONTRAST, _CONTRAST), offset=rng.uniform(-1, 1) * _BRIGHTNESS
            )
        return np.ascontiguousarray(pixels), np.ascontiguousarray(mask)


def _window(mask: Pixels, side: int, rng: Generator) -> tuple[slice, slice]:
    """A square that holds one randomly chosen pixel, anywhere within it: of the defect, or of all without one."""
    marked = np.flatnonzero(mask > 127) if mask.any() else np.arange(mask.size)
    row, column = np.unravel_index(rng.choice(marked), mask.shape)
    top, left = (
        min(max(int(at) - int(rng.integers(side)), 0), length - side)
        for at, length in zip((row, column), mask.shape, strict=True)
    )
    return slice(top, top + side), slice(left, left + side)


def _retoned(pixels: Pixels, *, gain: float, offset: float) -> Pixels:
    """Scaled about the middle grey and shifted, by a table of the 256 levels."""
    levels = (np.arange(256) - 127.5) * gain + 127.5 + offset
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    changed: Pixels = table[pixels]
    return changed
