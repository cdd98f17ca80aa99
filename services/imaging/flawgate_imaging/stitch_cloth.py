"""The cloth that a seam runs through: weave, colour. `stitches.generate` puts it to use."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_imaging.texture_fields import twill, woven

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "bottle green": (44, 84, 66),
    "brick": (150, 74, 62),
    "charcoal": (66, 66, 70),
    "denim": (76, 98, 132),
    "ecru": (220, 212, 194),
    "grey": (138, 140, 142),
    "navy": (44, 54, 84),
    "olive": (104, 108, 74),
    "sand": (204, 184, 152),
    "wine": (98, 40, 56),
}
"""Mean colours of the cloths, RGB, 0–255."""

_CONTRAST = 112
"""Least distance of cloth and thread in RGB, in grey levels: less is a seam that is meant not to be seen."""


def weave(rng: Generator, height: int, width: int, thread: Colour) -> NDArray[np.float32]:
    """A plain or twill weave in a colour on which the thread can be seen.

    Args:
        rng: source of randomness.
        height: rows, in pixels.
        width: columns.
        thread: colour of the thread, RGB, 0–255.

    Returns:
        (height, width, 3), float32, RGB, about 0–255.
    """
    seen = [colour for colour in COLOURS.values() if np.linalg.norm(np.subtract(colour, thread)) >= _CONTRAST]
    colour = np.array(seen[rng.integers(len(seen))]) * rng.uniform(0.92, 1.08, 3)
    field = (woven, twill)[rng.integers(2)](rng, max(height, width))[:height, :width]
    relief = 1 + rng.uniform(0.5, 0.8) * (field - field.mean())
    return np.asarray(relief[..., np.newaxis] * colour, np.float32)
