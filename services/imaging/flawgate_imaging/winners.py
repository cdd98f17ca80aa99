"""Which class each pixel of the frame counts for."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.geometry import Geometry


class Winners(NamedTuple):
    """Of each pixel of the frame, (H, W)."""

    channel: NDArray[np.int16]
    """That of the highest probability, the lower one of equals; -1 where none reaches the threshold."""
    probability: NDArray[np.float32]
    """Its value there, 0–1; 0 where none reaches the threshold."""


def winners(probability: NDArray[np.float32], geometry: Geometry, threshold: float) -> Winners | None:
    """The class of each pixel, of the highest probability alone.

    Args:
        probability: (C, h, w), float32, 0–1; of any resolution, spread over the tensor. It is warped to the original
            frame before it is compared.
        geometry: from the tensor to the original frame.
        threshold: a pixel counts from this probability upwards, above 0.

    Returns:
        None where no pixel of any channel can count.
    """
    # A bilinear warp makes no value larger: a plane that stays below marks nothing, and takes no pixel from another.
    channels = [channel for channel, plane in enumerate(probability) if plane.max(initial=0) >= threshold]
    if not channels:
        return None
    size = (geometry.frame_height, geometry.frame_width)
    winner = np.full(size, -1, np.int16)
    # Just below the threshold, so that one comparison tells both: reached, and higher than the others.
    highest = np.full(size, np.nextafter(np.float32(threshold), np.float32(0)), np.float32)
    for channel in channels:
        plane = geometry.map_to_frame(probability[channel])
        np.copyto(winner, channel, where=plane > highest)
        np.maximum(highest, plane, out=highest)
    highest *= winner >= 0
    return Winners(winner, highest)
