"""A trigger that sees: something moves before the camera, or has come to rest."""

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_camera.config.triggers import MotionTrigger as Config
from flawgate_camera.frames import Picture, Trigger

LOOK_PX = 160
"""Longer side at which pictures are compared, in pixels: sensor noise is averaged away, and it costs little."""


class MotionTrigger:
    """Compares each picture with the one before.

    `moving` wants a picture as long as pixels change, `settled` one as soon as they no longer do.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._before: NDArray[np.uint8] | None = None
        self._moved = False
        self._not_before = 0.0

    def wanted(self, picture: Picture) -> Trigger | None:
        """What the source itself says of the picture, where the scene asks for one."""
        moves = self._moves(picture.pixels)
        self._moved = self._moved or moves
        asked = moves if self._config.when == "moving" else self._moved and not moves
        if not asked or picture.acquired < self._not_before:
            return None
        self._moved = False
        self._not_before = picture.acquired + self._config.pause_s
        return picture.trigger

    def _moves(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether enough pixels differ from those of the picture before; the first picture stands still."""
        small = _small(pixels)
        before, self._before = self._before, small
        if before is None or before.shape != small.shape:
            return False
        changed = cv2.absdiff(small, before) >= self._config.difference
        return float(np.mean(changed)) >= self._config.share


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey, its longer side `LOOK_PX` at most: (h, w), uint8, 0–255. `pixels`: grey (H, W) or RGB (H, W, 3)."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, LOOK_PX / max(grey.shape))
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
