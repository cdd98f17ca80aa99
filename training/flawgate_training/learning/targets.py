"""From a mask to what a segmentation learns: soft at an eighth of the size, or at the size of the logits."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from flawgate_training.datasets.samples import Pixels

COARSE_STRIDE = 8
"""Pixels of the frame, in each direction, per pixel of a cascade's map."""

_POOL = 17


def shrunk(planes: Tensor) -> Tensor:
    """Average the 17×17 around every eighth pixel.

    Borders are reflected, so that a defect at the rim does not fade (as in SegDec, which paper d builds upon).

    Args:
        planes: (N, 1, H, W), float32; H and W multiples of 8, and at least 16.

    Returns:
        (N, 1, H/8, W/8), float32.
    """
    padded = functional.pad(planes, [_POOL // 2] * 4, mode="reflect")
    return functional.avg_pool2d(padded, _POOL, stride=COARSE_STRIDE)


def soft_target(masks: Tensor) -> Tensor:
    """Shrink masks to an eighth: the share of defect pixels in the 17×17 around every eighth pixel.

    Args:
        masks: (N, H, W), uint8, index of the class, 0 for background; H and W multiples of 8, and at least 16.

    Returns:
        (N, 1, H/8, W/8), float32, 0–1.
    """
    return shrunk((masks > 0).float().unsqueeze(1))


def fitted(masks: Tensor, logits: Tensor) -> Tensor:
    """Masks at the size of the logits: as they are, or at every n-th pixel.

    Args:
        masks: (N, H, W), uint8, index of the class.
        logits: (N, K, h, w).

    Returns:
        (N, h, w), uint8: with one channel the highest index within each cell, so that no small defect is lost; with
        several the index at its centre.
    """
    size = logits.shape[-2:]
    if masks.shape[-2:] == size:
        return masks
    planes = masks.unsqueeze(1).float()
    if logits.shape[1] == 1:
        return functional.adaptive_max_pool2d(planes, list(size)).squeeze(1).to(torch.uint8)
    return functional.interpolate(planes, size=list(size), mode="nearest-exact").squeeze(1).to(torch.uint8)


def distance_weights(mask: Pixels, *, power: float, largest: float) -> NDArray[np.float32]:
    """How much each pixel counts: the middle of a defect most, its rim little, the good surface 1.

    `largest` × (d / d_max)^`power`, where d is the distance to the nearest pixel outside the defect and d_max the
    largest of the same defect (SegDec 2021, section 3.3).

    Args:
        mask: (H, W), uint8, 0 for background.
        power: exponent, above 0.
        largest: weight in the middle of each defect, above 0.

    Returns:
        (H, W), float32, above 0.
    """
    marked = (mask > 0).astype(np.uint8)
    # A rim of background: a defect at the border of the frame ends there.
    padded = cv2.copyMakeBorder(marked, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    count, defects = cv2.connectedComponents(marked, connectivity=8)
    weights = np.ones(mask.shape, np.float32)
    for defect in range(1, count):
        inside = defects == defect
        weights[inside] = largest * (distance[inside] / distance[inside].max()) ** power
    return weights
