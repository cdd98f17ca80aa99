"""What every data set gives: samples, ready for the network and kept in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import Grey, Resize, Step
from flawgate_imaging.pipeline import apply
from flawgate_training.config import RunConfig
from flawgate_training.datasets.targets import dilate

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """One frame, pre-processed exactly as in service, and its mask in the same geometry.

    Attributes:
        name: unique within the data set, e.g. `kos01/Part5`.
        group: frames of one group show the same part, so a split never parts them.
        pixels: grey, (H, W), uint8, 0–255.
        mask: (H, W), uint8: 0 for good, 255 for defect, between at edges where resizing blended them.
        defective: whether the original label marks any pixel.
    """

    name: str
    group: str
    pixels: Pixels
    mask: Pixels
    defective: bool


def input_steps(config: RunConfig) -> tuple[Step, ...]:
    """To grey, (H, W), of the network's input size: the steps of both training and recipe."""
    return (Grey(), Resize(height=config.height, width=config.width, interpolation=config.interpolation))


def prepare(name: str, group: str, pixels: Pixels, label: Pixels, *, steps: tuple[Step, ...], dilation: int) -> Sample:
    """Make a sample.

    Args:
        name: see `Sample`.
        group: see `Sample`.
        pixels: the decoded frame, (h, w) or (h, w, 3), uint8, 0–255.
        label: (h, w), uint8: not 0 where the defect is.
        steps: the recipe's pre-processing.
        dilation: side of the square, in pixels of the original frame, by which defects grow; 1 leaves them.
    """
    mask = dilate(np.where(label > 0, np.uint8(255), np.uint8(0)), dilation)
    return Sample(name, group, apply(pixels, steps).pixels, apply(mask, steps).pixels, bool(label.any()))
