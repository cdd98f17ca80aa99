"""Tiny folders of pictures and masks, as users have them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 20, 30
"""Of every picture, in pixels."""


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write pixels as a picture; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def picture(path: Path) -> Path:
    """Write a grey picture of noise, another one for each path."""
    seed = int.from_bytes(path.as_posix().encode()[-16:], "big")
    return save(path, np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8))


def mask(path: Path, *values: int) -> Path:
    """Write a grey mask with a square of 4×4 pixels for each value, side by side, on a background of 0."""
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, value in enumerate(values):
        marks[8:12, 4 * place : 4 * place + 4] = value
    return save(path, marks)


def cut_off(path: Path) -> None:
    """Damage a picture: only its first bytes are left."""
    path.write_bytes(path.read_bytes()[:60])
