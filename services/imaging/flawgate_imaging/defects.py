"""Defects from the probability maps of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.winners import winners


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


class Findings(NamedTuple):
    """What a mask shows."""

    defects: tuple[Defect, ...] = ()
    """Highest peak first, then largest area, then in order of channel, row and column."""
    areas: Mapping[str, int] = MappingProxyType({})
    """Of each class that was found: the sum over all its regions, also those past the limit, in pixels of the original
    frame."""


def find_defects(
    probability: NDArray[np.float32],
    geometry: Geometry,
    *,
    threshold: float,
    min_area_px: int,
    classes: Sequence[str],
    pixel_pitch_um: float | None,
    max_defects: int = 100,
) -> Findings:
    """Find the connected regions (8-connectivity) of every class.

    A pixel counts for the class of its highest probability alone, so that classes do not overlap.

    Args:
        probability: (C, h, w), float32, 0–1: of "defect" where C is 1, else of C classes, the first the background; of
            any resolution, spread over the tensor. It is warped to the original frame before it is compared.
        geometry: from the tensor to the original frame.
        threshold: a pixel belongs to a defect from this probability upwards, above 0.
        min_area_px: smaller regions are left out, in pixels of the original frame.
        classes: names of the C channels, in order.
        pixel_pitch_um: side of one pixel of the original frame on the part, in micrometres.
        max_defects: how many to return at most.

    Raises:
        ModelFailure: the map has a value that is not finite, or another number of channels than `classes`.
    """
    if probability.ndim != 3 or len(probability) != len(classes):
        raise ModelFailure(f"The mask has shape {probability.shape}, but the recipe names {len(classes)} classes.")
    if not np.isfinite(probability).all():
        raise ModelFailure("The mask holds values that are no numbers; check the model's export.")
    first = 0 if len(classes) == 1 else 1
    marking = [channel for channel in range(first, len(classes)) if probability[channel].max(initial=0) >= threshold]
    # Where no defect can be, the background need not be warped.
    pixels = winners(probability, geometry, threshold) if marking else None
    if pixels is None:
        return Findings()
    defects: list[Defect] = []
    areas: dict[str, int] = {}
    for channel in marking:
        marked, name = pixels.channel == channel, classes[channel]
        found, area_px = _regions(marked, pixels.probability, min_area_px, max_defects, name, pixel_pitch_um)
        defects += found
        areas |= {name: area_px} if found else {}
    defects.sort(key=lambda defect: (-defect.peak, -defect.area_px))
    return Findings(tuple(defects[:max_defects]), areas)


def _regions(
    marked: NDArray[np.bool_],
    plane: NDArray[np.float32],
    min_area_px: int,
    max_defects: int,
    name: str,
    pixel_pitch_um: float | None,
) -> tuple[list[Defect], int]:
    """The first `max_defects` regions, in order, and the area of all, in pixels; both planes of the frame's size."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, labels[marked].astype(np.intp), plane[marked])
    x, y, width, height, area = stats.T
    mm2_per_px = None if pixel_pitch_um is None else (pixel_pitch_um / 1000) ** 2
    ordered = np.lexsort((x, y, -area, -peaks))
    # Label 0 is the background.
    kept = ordered[(ordered > 0) & (area[ordered] >= min_area_px)]
    defects = [
        Defect(
            box=Box(int(x[i]), int(y[i]), int(width[i]), int(height[i])),
            area_px=int(area[i]),
            area_mm2=None if mm2_per_px is None else int(area[i]) * mm2_per_px,
            peak=float(peaks[i]),
            class_name=name,
        )
        for i in kept[:max_defects].tolist()
    ]
    return defects, int(area[kept].sum(dtype=np.int64))
