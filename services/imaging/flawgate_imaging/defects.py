"""Defects from the probability maps of a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_imaging.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in whole pixels of the original frame: columns x … x + width - 1, rows y … y + height - 1."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Defect:
    """One connected region of a mask.

    Attributes:
        box: the smallest that holds the region.
        area_px: of the region, in pixels of the original frame.
        area_mm2: of the region on the part; None where the pixel pitch is not known.
        peak: the largest probability within the region, 0–1.
        class_name: the recipe's name for the mask's channel.
    """

    box: Box
    area_px: int
    area_mm2: float | None
    peak: float
    class_name: str


def find_defects(
    probability: NDArray[np.float32],
    geometry: Geometry,
    *,
    threshold: float,
    min_area_px: int,
    classes: Sequence[str],
    pixel_pitch_um: float | None,
    max_defects: int = 100,
) -> tuple[Defect, ...]:
    """Find the connected regions (8-connectivity) of every class.

    Args:
        probability: (C, h, w), float32, 0–1; of any resolution, spread over the tensor. It is warped to the original
            frame before the threshold is applied.
        geometry: from the tensor to the original frame.
        threshold: a pixel belongs to a defect from this probability upwards.
        min_area_px: smaller regions are left out, in pixels of the original frame.
        classes: names of the C channels, in order.
        pixel_pitch_um: side of one pixel of the original frame on the part, in micrometres.
        max_defects: how many to return at most.

    Returns:
        The defects, highest peak first, then largest area, then in order of channel, row and column.

    Raises:
        ModelFailure: the map has a value that is not finite, or another number of channels than `classes`.
    """
    if probability.ndim != 3 or len(probability) != len(classes):
        raise ModelFailure(f"The mask has shape {probability.shape}, but the recipe names {len(classes)} classes.")
    if not np.isfinite(probability).all():
        raise ModelFailure("The mask holds values that are no numbers; check the model's export.")
    found = [
        defect
        for plane, name in zip(probability, classes, strict=True)
        # A bilinear warp makes no value larger, so such a plane can hold no defect and need not be warped.
        if plane.max(initial=0) >= threshold
        for defect in _regions(geometry.map_to_frame(plane), threshold, min_area_px, max_defects, name, pixel_pitch_um)
    ]
    found.sort(key=lambda defect: (-defect.peak, -defect.area_px))
    return tuple(found[:max_defects])


def _regions(
    plane: NDArray[np.float32],
    threshold: float,
    min_area_px: int,
    max_defects: int,
    name: str,
    pixel_pitch_um: float | None,
) -> Iterator[Defect]:
    """The first `max_defects` regions of one plane of the frame's size, in order."""
    mask = plane >= threshold
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, labels[mask].astype(np.intp), plane[mask])
    x, y, width, height, area = stats.T
    mm2_per_px = None if pixel_pitch_um is None else (pixel_pitch_um / 1000) ** 2
    ordered = np.lexsort((x, y, -area, -peaks))
    # Label 0 is the background.
    for i in ordered[(ordered > 0) & (area[ordered] >= min_area_px)][:max_defects].tolist():
        box = Box(int(x[i]), int(y[i]), int(width[i]), int(height[i]))
        area_mm2 = None if mm2_per_px is None else int(area[i]) * mm2_per_px
        yield Defect(box, int(area[i]), area_mm2, float(peaks[i]), name)
