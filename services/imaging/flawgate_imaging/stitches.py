"""Made-up sewing stitches, unlimited and free of anybody's rights, after the private data set of paper a, section 3.

Like the paper's they are RGB, and every pixel of thread is labelled with one of six classes: a blue or a white thread
in one of three directions.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from flawgate_imaging.stitch_cloth import Colour, weave
from flawgate_imaging.stitch_seams import DIRECTIONS, lay
from flawgate_imaging.stitch_threads import sew

THREADS: dict[str, Colour] = {"B": (46, 88, 190), "W": (236, 236, 230)}
"""Colours of thread, RGB, 0–255. Paper a, section 3: B is for blue, W for white."""

CLASSES: tuple[str, ...] = tuple(thread + direction for thread in THREADS for direction in DIRECTIONS)
"""Names of the classes, in the paper's order; the mask's index of the first one is 1."""

WIDTH, HEIGHT = 1056, 704
"""The paper's input, in pixels."""

MIN_SIZE = 128
"""Smallest side of a sample, in pixels: some stitches fit."""


@dataclass(frozen=True)
class StitchSample:
    """One picture of a seam.

    Attributes:
        pixels: RGB, (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8: 1 + the class's place in `CLASSES` where thread covers half of a pixel or more, else 0.
        stitch_class: one of `CLASSES`.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    stitch_class: str


def generate(seed: int, *, stitch_class: str | None = None, width: int = WIDTH, height: int = HEIGHT) -> StitchSample:
    """Make one picture.

    The same arguments give the same pixels (numpy's PCG64; another build of numpy or OpenCV may round a few of them
    to the neighbouring level).

    Args:
        seed: 0 or more.
        stitch_class: one of `CLASSES`; drawn evenly where None.
        width: columns, in pixels, `MIN_SIZE` or more.
        height: rows, alike.

    Raises:
        ValueError: an unknown class, or a side below `MIN_SIZE`.
    """
    if min(width, height) < MIN_SIZE:
        raise ValueError(f"a sample of {width} × {height} pixels is too small for stitches; ask for {MIN_SIZE} or more")
    choice, cloth, seam, light = (Generator(PCG64(part)) for part in SeedSequence(seed).spawn(4))
    drawn = CLASSES[choice.integers(len(CLASSES))]
    name = drawn if stitch_class is None else stitch_class
    if name not in CLASSES:
        raise ValueError(f"there is no class of stitches {name!r}; choose one of {', '.join(CLASSES)}")
    thread = THREADS[name[0]]
    sewn = sew(seam, lay(seam, name[1:], height, width), height, width)
    scene = weave(cloth, height, width, thread) * sewn.shade[..., np.newaxis]
    colour = np.array(thread, np.float32) * seam.uniform(0.97, 1.03, 3).astype(np.float32)
    scene += sewn.cover[..., np.newaxis] * (sewn.tone[..., np.newaxis] * colour - scene)
    mask = (sewn.cover >= 0.5) * np.uint8(1 + CLASSES.index(name))
    return StitchSample(_photograph(light, scene), mask, name)


def _photograph(rng: Generator, scene: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What a camera makes of a scene: uneven light, a soft lens, sensor noise; RGB, uint8, 0–255."""
    height, width = scene.shape[:2]
    lamps = rng.uniform(0.9, 1.12) * rng.uniform(0.86, 1.1, (3, 3)).astype(np.float32)
    light = cv2.resize(lamps, (width, height), interpolation=cv2.INTER_CUBIC)
    exposed = np.clip(scene * light[..., np.newaxis], 0, 255).astype(np.uint8)
    seen = cv2.GaussianBlur(exposed, (0, 0), 0.7)
    # Even noise of -4 to 3 levels, three bits of each random byte: a fraction of the time that normal noise takes.
    grain = (np.frombuffer(rng.bytes(seen.size), np.int8) & 7) - np.int8(4)
    return cv2.add(seen, grain.reshape(seen.shape), dtype=cv2.CV_8U).astype(np.uint8, copy=False)
