"""Made-up textures with made-up flaws, unlimited and free of anybody's rights, after the DAGM 2007 data set.

Like DAGM's they are grey, 512×512, and a flaw is labelled weakly: by a filled ellipse around it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from flawgate_imaging.texture_fields import FIELDS, Field, noise
from flawgate_imaging.texture_flaws import FLAWS, Ellipse, Site

TEXTURES: tuple[str, ...] = tuple(FIELDS)
"""Names of the textures."""

INSPECTED = ("woven", "twill", "knit", "brushed_metal", "leather", "perforated")
"""Textures that the shipped recipe `texture` is for: in the grain of granite and wood it misses too many flaws."""

MIN_SIZE = 128
"""Smallest side of a sample, in pixels: a flaw and its surroundings fit."""

_MARGIN = 6
_STRENGTH = 1.8
"""How much more than its kind says a flaw changes the surface: as on DAGM's, a trained eye finds every one."""


@dataclass(frozen=True)
class TextureSample:
    """One picture of a surface.

    Attributes:
        pixels: grey, (H, W), uint8, 0–255.
        mask: (H, W), uint8: 1 within the filled ellipse around the flaw, else 0; all 0 on a good surface.
        texture: one of `TEXTURES`.
        defective: whether there is a flaw.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    texture: str
    defective: bool


def generate(seed: int, *, texture: str | None = None, defective: bool | None = None, size: int = 512) -> TextureSample:
    """Make one picture.

    The same arguments give the same pixels (numpy's PCG64; another build of numpy or OpenCV may round a few of them
    to the neighbouring grey level). Good and defective with the same seed show the same surface.

    Args:
        seed: 0 or more.
        texture: one of `TEXTURES`; drawn evenly where None.
        defective: with a flaw or without; drawn evenly where None.
        size: rows and columns, in pixels, `MIN_SIZE` or more.

    Raises:
        ValueError: an unknown texture, or a size below `MIN_SIZE`.
    """
    if size < MIN_SIZE:
        raise ValueError(f"a sample of {size} pixels is too small for a flaw; ask for {MIN_SIZE} or more")
    choice, surface, light, flaw = (Generator(PCG64(part)) for part in SeedSequence(seed).spawn(4))
    drawn_texture, drawn_defective = TEXTURES[choice.integers(len(TEXTURES))], bool(choice.integers(2))
    name = drawn_texture if texture is None else texture
    if name not in FIELDS:
        raise ValueError(f"there is no texture {name!r}; choose one of {', '.join(TEXTURES)}")
    field = FIELDS[name](surface, size)
    is_defective = drawn_defective if defective is None else defective
    if is_defective:
        field, mask = _flawed(flaw, name, field)
    else:
        mask = np.zeros((size, size), np.uint8)
    return TextureSample(_photograph(light, field), mask, name, is_defective)


def _flawed(rng: Generator, name: str, field: Field) -> tuple[Field, NDArray[np.uint8]]:
    """The field with one flaw, and the flaw's mask."""
    size, kind = len(field), str(rng.choice(list(FLAWS)))
    ellipse = _ellipse(rng, size, slender=kind == "scratch")
    half = int(ellipse.long_px) + _MARGIN
    left, top = int(ellipse.x) - half, int(ellipse.y) - half
    window = np.s_[top : top + 2 * half, left : left + 2 * half]
    site = Site(field[window], FIELDS[name](rng, 4 * half), ellipse.reach(left, top, 2 * half), ellipse)
    flawed, mask = field.copy(), np.zeros((size, size), np.uint8)
    flawed[window] += _STRENGTH * (FLAWS[kind](rng, site) - flawed[window])
    mask[window] = site.reach <= 1
    return flawed, mask


def _ellipse(rng: Generator, size: int, *, slender: bool) -> Ellipse:
    """A place well within the picture; the long axis spans 36 to 60 pixels, the short one 12 to 57."""
    long_px = rng.uniform(20, 30) if slender else rng.uniform(18, 30)
    short_px = max(6.0, long_px * (rng.uniform(0.25, 0.4) if slender else rng.uniform(0.55, 0.95)))
    edge = long_px + _MARGIN + 2
    x, y = rng.integers(int(edge), size - int(edge), 2)
    return Ellipse(float(x), float(y), long_px, short_px, rng.uniform(0, 180))


def _photograph(rng: Generator, field: Field) -> NDArray[np.uint8]:
    """What a camera makes of a field: uneven light, exposure, sensor noise; grey, uint8, 0–255."""
    size = len(field)
    light = 1 + 0.07 * noise(rng, size, size / 1.5)
    exposed = field * light * rng.uniform(185, 215) + rng.uniform(5, 25)
    # Even noise of ±3.5 levels: drawn in a fraction of the time that normal noise of the same power (2 levels) takes.
    grain = 7 * (rng.random((size, size), dtype=np.float32) - 0.5)
    seen = cv2.GaussianBlur(exposed.astype(np.float32), (0, 0), 0.6) + grain
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)
