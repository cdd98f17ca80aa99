"""What a reconstruction is shown in place of a good frame and must undo, so that it cannot simply copy what it sees.

After Collin and De Vleeschouwer 2020 ("Improved anomaly detection by training an autoencoder with skip connections on
images corrupted with Stain-shaped noise"): a network with skips learns to leave a good surface alone and to draw it
again where it is covered, so that a residual is left on defects. Theirs are stains; the scratches are ours, and so are
the fillings other than a flat grey: a defect may also be a surface that is worn, or out of place.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flawgate_training.datasets.samples import Pixels
from flawgate_training.experiment.training import Corruption

Plane = NDArray[np.float32]

_CORNERS = 16
"""Of the polygon of a stain."""

_FAINTEST = 0.4
"""Share of the frame that the faintest cover hides."""


def corrupt(pixels: Pixels, drawn: Corruption, rng: Generator) -> Pixels:
    """Cover places of a frame.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, 0–255; left as it is.
        drawn: how often, how many and how large.
        rng: where the draws come from.

    Returns:
        The same shape, uint8: another frame, or the same one where nothing is covered.
    """
    if rng.random() >= drawn.share:
        return pixels
    shown = pixels.astype(np.float32)
    for _ in range(rng.integers(1, drawn.most + 1)):
        shape = _SHAPES[rng.integers(len(_SHAPES))]
        filling = _FILLINGS[rng.integers(len(_FILLINGS))]
        length = rng.uniform(drawn.smallest_px, drawn.largest_px)
        cover = _softened(shape(pixels.shape[:2], length, rng), rng)
        shown += cover.reshape(*cover.shape, *[1] * (pixels.ndim - 2)) * (filling(shown, rng) - shown)
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


def _stain(size: tuple[int, ...], length: float, rng: Generator) -> Pixels:
    """A filled ellipse with an uneven rim, anywhere: (H, W), uint8, 0 or up to 255 on the stain."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    reach = length / 2 * rng.uniform(0.7, 1, _CORNERS)
    outline = np.stack([reach * np.cos(angles), rng.uniform(0.3, 1) * reach * np.sin(angles)], axis=1)
    plane = np.zeros(size, np.uint8)
    cv2.fillPoly(plane, [_placed(outline, size, rng)], color=255, lineType=cv2.LINE_AA, shift=_SHIFT)
    return plane


def _scratch(size: tuple[int, ...], length: float, rng: Generator) -> Pixels:
    """A bent line one to three pixels wide, anywhere: (H, W), uint8, 0 or up to 255 on the line."""
    along = np.linspace(-0.5, 0.5, _CORNERS)
    line = length * np.stack([along, rng.uniform(-0.5, 0.5) * along**2], axis=1)
    plane = np.zeros(size, np.uint8)
    width = int(rng.integers(1, 4))
    points = [_placed(line, size, rng)]
    cv2.polylines(plane, points, isClosed=False, color=255, thickness=width, lineType=cv2.LINE_AA, shift=_SHIFT)
    return plane


_SHAPES: tuple[Callable[[tuple[int, ...], float, Generator], Pixels], ...] = (_stain, _scratch)

_SHIFT = 4
"""Binary places of the points that OpenCV draws."""


def _placed(points: NDArray[np.float64], size: tuple[int, ...], rng: Generator) -> NDArray[np.int32]:
    """Points around (0, 0), (n, 2), x before y, turned and put about a pixel of the frame, as OpenCV draws them."""
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    centre = rng.uniform(0, size[1]), rng.uniform(0, size[0])
    turned = points @ np.array([[cos, sin], [-sin, cos]]) + centre
    return np.asarray(np.rint(turned * 2**_SHIFT), np.int32)


def _softened(shape: Pixels, rng: Generator) -> Plane:
    """How much of each pixel is hidden: (H, W), float32, 0–1, with a soft rim."""
    blurred = cv2.GaussianBlur(shape, (0, 0), rng.uniform(0.4, 2))
    return np.asarray(blurred * np.float32(rng.uniform(_FAINTEST, 1) / 255), np.float32)


def _flat(shown: Plane, rng: Generator) -> Plane:
    """One level of grey, or one colour."""
    return np.broadcast_to(rng.uniform(0, 255, shown.shape[2:]).astype(np.float32), shown.shape)


def _shifted(shown: Plane, rng: Generator) -> Plane:
    """The surface, darker or brighter."""
    return shown + np.float32(rng.choice((-1, 1)) * rng.uniform(20, 120))


def _blurred(shown: Plane, rng: Generator) -> Plane:
    """The surface without its texture, somewhat darker or brighter."""
    smooth = cv2.GaussianBlur(shown, (0, 0), rng.uniform(2, 7))
    return np.asarray(smooth + np.float32(rng.uniform(-30, 30)), np.float32)


def _displaced(shown: Plane, rng: Generator) -> Plane:
    """Another place of the surface, turned, and magnified or reduced."""
    height, width = shown.shape[:2]
    way = cv2.getRotationMatrix2D(
        (rng.uniform(0, width), rng.uniform(0, height)), rng.uniform(20, 340), 2 ** rng.uniform(-1, 1)
    )
    moved = cv2.warpAffine(shown, way, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


_FILLINGS: tuple[Callable[[Plane, Generator], Plane], ...] = (_flat, _shifted, _blurred, _displaced, _displaced)
"""The last is drawn twice as often: it is the hardest to undo."""
