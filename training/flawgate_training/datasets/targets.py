"""From a label to what the segmentation network learns: dilated, soft, at an eighth of the size."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

DILATIONS = (1, 5, 9, 13, 15)
"""Sides, in pixels, of the squares by which paper d (section 4.1) grows its labels; 1 is the original label."""

_POOL, _STRIDE = 17, 8


def dilate(mask: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Grow bright regions by a square.

    Args:
        mask: (H, W), uint8, 0–255.
        side: of the square, odd, in pixels.

    Returns:
        (H, W), uint8: the maximum over the square around each pixel.
    """
    plane = torch.from_numpy(mask)[None, None].float()
    grown = functional.max_pool2d(plane, side, stride=1, padding=side // 2)
    return grown[0, 0].to(torch.uint8).numpy()


def soft_target(masks: Tensor) -> Tensor:
    """Shrink masks to an eighth: the share of defect pixels in the 17×17 around every eighth pixel.

    Borders are reflected, so that a defect at the rim does not fade (as SegDec, which paper d builds upon, does).

    Args:
        masks: (N, 1, H, W), uint8, 0–255; H and W multiples of 8.

    Returns:
        (N, 1, H/8, W/8), float32, 0–1.
    """
    padded = functional.pad(masks.float() / 255.0, [_POOL // 2] * 4, mode="reflect")
    return functional.avg_pool2d(padded, _POOL, stride=_STRIDE)
