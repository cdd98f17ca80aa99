"""From what a network says to a frame's score, 0–1, higher is worse: one arithmetic for training and for service."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.tiling import Tiling
from flawgate_imaging.tiles import merge_maximum

Map = NDArray[np.float32]

SCORE_DECIMALS = 6
"""Scores are rounded to this before they are compared: a float32 holds no more, and what is shown is what decided."""

RESIDUAL_BOX_PX = 5
"""Side of the box over which residuals are averaged, in pixels of the input: a defect is wider than sensor noise."""

MASK_THRESHOLD = 0.5
"""A pixel belongs to a defect from this probability upwards."""


def top_share_mean(plane: Map, share: float) -> float:
    """Mean of the highest pixels: as sensitive as the maximum, but no single pixel decides.

    Args:
        plane: (h, w), float32.
        share: of the pixels that count, above 0 to 1; at least one pixel does.

    Returns:
        A value between the plane's least and largest.
    """
    count = max(1, math.ceil(share * plane.size))
    highest = np.partition(plane, plane.size - count, axis=None)[plane.size - count :]
    return float(highest.mean(dtype=np.float64))


def defect_probability(probabilities: Map) -> Map:
    """Probability that something is no good surface.

    Args:
        probabilities: (K, ...), float32, 0–1: of "defect" where K is 1, else of K classes, 0 the good one.

    Returns:
        (...), float32, 0–1.
    """
    return np.asarray(probabilities[0] if len(probabilities) == 1 else 1 - probabilities[0], np.float32)


def merged_score(scores: Sequence[float]) -> float:
    """The score of a frame whose tiles were scored each by itself: the largest, rounded to `SCORE_DECIMALS`.

    Args:
        scores: of one tile or more, 0–1.
    """
    return round(max(scores), SCORE_DECIMALS)


def merged_planes(planes: Map, tiling: Tiling, height: int, width: int) -> Map:
    """The class probabilities of a frame from those of its tiles.

    Where tiles overlap, the highest probability of each defect class counts, so no tile's defect is lost, and the
    lowest of the good one.

    Args:
        planes: (n, K, h, w), float32, 0–1, as for `defect_probability`, in the order of `tiles.places`.
        tiling: size and stride of the tiles.
        height: rows of the frame as tiled, in pixels.
        width: columns of it.

    Returns:
        (K, height, width), float32, 0–1.

    Raises:
        InvalidFrame: a tile is larger than the frame.
        ModelFailure: there is not one map for each tile.
    """
    if planes.shape[1] == 1:
        return merge_maximum(planes[:, 0], tiling, height, width)[np.newaxis]
    bad = np.concatenate([1 - planes[:, :1], planes[:, 1:]], axis=1)
    merged = np.stack([merge_maximum(bad[:, index], tiling, height, width) for index in range(bad.shape[1])])
    merged[0] = 1 - merged[0]
    return merged


def class_indices(probabilities: Map) -> NDArray[np.uint8]:
    """The class of each pixel.

    Args:
        probabilities: (K, h, w), float32, 0–1, as for `defect_probability`.

    Returns:
        (h, w), uint8: 0 for background. One channel is a defect, 1, from `MASK_THRESHOLD` upwards; of several, the
        highest counts.
    """
    if len(probabilities) == 1:
        return np.asarray(probabilities[0] >= MASK_THRESHOLD, np.uint8)
    return np.asarray(probabilities.argmax(axis=0), np.uint8)


def majority_class(indices: NDArray[np.uint8]) -> int:
    """The class of a whole frame: the commonest among pixels that are no background; 0 where all are.

    Args:
        indices: (h, w), uint8, as `class_indices` gives them. Of equally common classes the lower index counts.
    """
    counts = np.bincount(indices.reshape(-1), minlength=2)
    counts[0] = 0
    return int(counts.argmax())


def residual(frame: NDArray[np.uint8], drawn: Map) -> Map:
    """How far a reconstruction is from its frame, averaged over channels and then over a small box.

    Args:
        frame: (C, H, W), uint8, 0–255.
        drawn: (C, H, W), float32, 0–1: the same as a network would draw it.

    Returns:
        (H, W), float32, 0–1; edges are reflected.
    """
    difference = np.abs(frame.astype(np.float32) / 255 - drawn).mean(axis=0)
    side = (RESIDUAL_BOX_PX, RESIDUAL_BOX_PX)
    return np.asarray(cv2.blur(difference, side, borderType=cv2.BORDER_REFLECT_101), np.float32)


def spread(plane: Map, height: int, width: int) -> Map:
    """A map in another resolution, bilinearly; its edges keep their places.

    Args:
        plane: (h, w), float32.
        height: rows of the result, in pixels.
        width: columns of it.

    Returns:
        (height, width), float32; the same plane where it has this size already.
    """
    if plane.shape == (height, width):
        return plane
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
