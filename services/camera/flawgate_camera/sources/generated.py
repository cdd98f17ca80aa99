"""Made-up textures at an even rate."""

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from flawgate_camera.config.sources import GeneratedSource as Config
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import SourceEnded, picture_of
from flawgate_camera.sources.pace import Pace
from flawgate_imaging.textures import INSPECTED, TextureSample, generate


def sample(config: Config, number: int) -> TextureSample:
    """The source's picture of a number, and whether it has a flaw: always the same for the same number.

    Args:
        config: seed, share of flaws, size.
        number: from 1.
    """
    draw = Generator(PCG64(SeedSequence((config.seed, number))))
    defective, texture = bool(draw.random() < config.defect_share), str(draw.choice(INSPECTED))
    height, width = config.size
    side = min(height, width)
    made = generate(int(draw.integers(2**63)), texture=texture, defective=defective, size=side)
    return TextureSample(_filled(made.pixels, height, width), _filled(made.mask, height, width), texture, defective)


def _filled(plane: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A texture is a square: a longer side is filled with its mirror image."""
    below, right = height - len(plane), width - len(plane)
    return cv2.copyMakeBorder(plane, 0, below, 0, right, cv2.BORDER_REFLECT_101).astype(np.uint8, copy=False)


class GeneratedSource:
    """Draws one texture after another."""

    live = True
    hands_over = False
    open_within_s = 10.0
    read_within_s = 10.0

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pace = Pace(config.frames_per_s)
        self._given = 0

    def open(self) -> None:
        """Begin, or go on where it was closed."""
        self._pace = Pace(self._config.frames_per_s)

    def read(self) -> Picture | None:
        """The next texture."""
        if self._config.frames is not None and self._given >= self._config.frames:
            raise SourceEnded
        if not self._pace.wait():
            return None
        self._given += 1
        return picture_of(sample(self._config, self._given).pixels)

    def taken(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is held."""
