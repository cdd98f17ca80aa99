"""Made-up sheets of leather with the defects of real hides, unlimited and free of anybody's rights, after paper e.

Like the paper's they are colour pictures as a phone's camera takes them under a lamp: RGB, 512×512. A good hide is not
flat: it has grain, pores, growth wrinkles, veins and uneven light. The defects are scars, folds, holes, scratches,
insect bites and stains; the paper (section 3.1) names wrinkles, folds, scars and holes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from flawgate_imaging.hide_defects import DEFECTS
from flawgate_imaging.hide_grain import Surface, good
from flawgate_imaging.texture_fields import Field, noise

KINDS: tuple[str, ...] = tuple(DEFECTS)
"""Names of the defects."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (46, 44, 46),
    "chestnut": (112, 62, 40),
    "cognac": (158, 92, 48),
    "cream": (220, 204, 176),
    "grey": (132, 130, 128),
    "navy": (48, 56, 84),
    "olive": (98, 94, 62),
    "oxblood": (110, 38, 38),
    "tan": (190, 134, 84),
    "taupe": (148, 126, 108),
}
"""Mean colours of the dyed leather, RGB, 0–255."""

SIZE = 512
"""Rows and columns of a sample, in pixels."""

MIN_SIZE = 256
"""Smallest side of a sample, in pixels: a defect and its surroundings fit."""

_FIBRES = (222, 200, 170)
"""Colour of the undyed fibres below the grain, RGB, 0–255."""

_SEEN = 0.5
_MIDDLE = 118
"""Mean grey level towards which a camera exposes, dark leather and pale one alike, though not all the way."""


@dataclass(frozen=True)
class HideSample:
    """One picture of a piece of leather.

    Attributes:
        pixels: RGB, (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8: 1 on the defect, else 0; all 0 on a good hide.
        defect: one of `KINDS`; None on a good hide.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    defect: str | None


def generate(seed: int, *, defective: bool | None = None, defect: str | None = None, size: int = SIZE) -> HideSample:
    """Make one picture.

    The same arguments give the same pixels (numpy's PCG64; another build of numpy or OpenCV may round a few of them
    to the neighbouring level). Good and defective with the same seed show the same hide.

    Args:
        seed: 0 or more.
        defective: with a defect or without; drawn evenly where None.
        defect: one of `KINDS`, if there is a defect; drawn evenly where None.
        size: rows and columns, in pixels, `MIN_SIZE` or more.

    Raises:
        ValueError: an unknown defect, or a size below `MIN_SIZE`.
    """
    if size < MIN_SIZE:
        raise ValueError(f"a sample of {size} pixels is too small for a defect; ask for {MIN_SIZE} or more")
    choice, leather, fault, light = (Generator(PCG64(part)) for part in SeedSequence(seed).spawn(4))
    drawn_kind, drawn_defective = KINDS[choice.integers(len(KINDS))], bool(choice.integers(2))
    kind = drawn_kind if defect is None else defect
    if kind not in KINDS:
        raise ValueError(f"there is no defect {kind!r}; choose one of {', '.join(KINDS)}")
    surface = good(leather, size)
    mask = np.zeros((size, size), np.uint8)
    is_defective = drawn_defective if defective is None else defective
    if is_defective:
        surface, where = DEFECTS[kind](fault, surface)
        mask = (where >= _SEEN).astype(np.uint8)
    return HideSample(_photograph(light, surface), mask, kind if is_defective else None)


def _photograph(rng: Generator, surface: Surface) -> NDArray[np.uint8]:
    """What a camera makes of a surface: a lamp from one side, exposure, a soft lens, noise; RGB, uint8, 0–255."""
    dye = list(COLOURS.values())[rng.integers(len(COLOURS))] * rng.uniform(0.95, 1.05, 3)
    matte, sheen = _lit(rng, surface.height)
    falloff = _falloff(rng, len(surface.height))
    shade, gloss = surface.tone * matte * falloff, np.float32(rng.uniform(10, 45)) * sheen * falloff
    # Plane by plane: what is computed in between stays in the processor's cache.
    planes = [
        (np.float32(dyed) + surface.bare * np.float32(fibre - dyed)) * shade + gloss
        for dyed, fibre in zip(dye, _FIBRES, strict=True)
    ]
    mean = max(float(np.mean([plane.mean() for plane in planes])), 1.0)
    exposure = rng.uniform(0.9, 1.1) * (_MIDDLE / mean) ** rng.uniform(0.25, 0.45)
    exposed = cv2.merge([cv2.convertScaleAbs(plane, alpha=exposure) for plane in planes])
    seen = cv2.GaussianBlur(exposed, (0, 0), rng.uniform(0.5, 0.9))
    grain = (np.frombuffer(rng.bytes(seen.size), np.int8) & 7) - np.int8(4)
    return cv2.add(seen, grain.reshape(seen.shape), dtype=cv2.CV_8U).astype(np.uint8, copy=False)


def _lit(rng: Generator, height: Field) -> tuple[Field, Field]:
    """Light that a relief throws back evenly (1 where it is flat), and what it mirrors (0–1); Blinn-Phong."""
    turn, steep = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(38, 62))
    lamp = np.array([np.cos(turn) * np.cos(steep), np.sin(turn) * np.cos(steep), np.sin(steep)], np.float32)
    between = lamp + np.array([0, 0, 1], np.float32)
    between /= np.float32(np.linalg.norm(between))
    dx, dy = (cv2.Sobel(height, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    upright = 1 / np.sqrt(1 + dx * dx + dy * dy)
    facing, mirrored = ((way[2] - way[0] * dx - way[1] * dy) * upright for way in (lamp, between))
    sheen = np.clip(mirrored, 0, 1)
    for _ in range(4):
        sheen = sheen * sheen
    return np.clip(facing, 0.15, None) / lamp[2], sheen


def _falloff(rng: Generator, size: int) -> Field:
    """Light over the table, about 1: brighter towards the lamp, darker in the corners."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    across, down = rng.uniform(-0.18, 0.18, 2).astype(np.float32)
    x, y = axis[np.newaxis], axis[:, np.newaxis]
    corners = np.float32(rng.uniform(0, 0.12)) * (x * x + y * y)
    return np.asarray(1 + across * x + down * y - corners + np.float32(0.02) * noise(rng, size, size / 3), np.float32)
