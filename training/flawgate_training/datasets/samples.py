"""Samples: items prepared for a network exactly as in service, kept in memory as far as it is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.steps import Step
from flawgate_imaging.pipeline import apply, apply_to_mask
from flawgate_training.datasets.items import Item

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """One frame, pre-processed exactly as in service, and its mask in the same geometry.

    Attributes:
        name: see `Item`.
        group: see `Item`.
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8, index of the class, 0 for background; all 0 where the data set has no masks.
        label: see `Item`.
        defective: see `Item`.
    """

    name: str
    group: str
    pixels: Pixels
    mask: Pixels
    label: int
    defective: bool


@dataclass(frozen=True)
class Preparation:
    """From an item to a sample.

    Attributes:
        steps: the recipe's pre-processing; the mask goes through those that move pixels.
        dilation: side of the square, in pixels of the original frame, by which defects grow; 1 leaves them.
    """

    steps: tuple[Step, ...]
    dilation: int = 1

    def __call__(self, item: Item) -> Sample:
        """Read and prepare.

        Raises:
            InvalidDataset: see `Source.read`.
        """
        picture = item.source.read()
        marked = picture.mask if picture.mask is not None else np.zeros(picture.pixels.shape[:2], np.uint8)
        mask = apply_to_mask(dilate(marked, self.dilation), self.steps)
        return Sample(item.name, item.group, apply(picture.pixels, self.steps).pixels, mask, item.label, item.defective)


def dilate(mask: Pixels, side: int) -> Pixels:
    """Grow marked regions by a square; where two classes meet, the higher index wins.

    Args:
        mask: (H, W), uint8, index of the class.
        side: of the square, odd, in pixels; 1 leaves the mask as it is.

    Returns:
        (H, W), uint8: the maximum over the square around each pixel.
    """
    if side == 1:
        return mask
    return cv2.dilate(mask, np.ones((side, side), np.uint8)).astype(np.uint8, copy=False)


class Samples(Sequence[Sample]):
    """Samples by position, each prepared when first asked for and kept while the memory allowed lasts.

    What does not fit is prepared again at every use. A picture that was readable when the data set was indexed and is
    no more raises `InvalidDataset`.

    Args:
        items: in order.
        prepare: what makes a sample of an item.
        memory_bytes: bound of what is kept.
    """

    def __init__(self, items: Sequence[Item], prepare: Preparation, *, memory_bytes: int) -> None:
        self.items = tuple(items)
        self.prepare = prepare
        self._kept: dict[int, Sample] = {}
        self._free_bytes = memory_bytes

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "list[Sample]": ...
    def __getitem__(self, index: int | slice) -> "Sample | list[Sample]":
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._kept.get(place) or self._made(place)

    def _made(self, place: int) -> Sample:
        sample = self.prepare(self.items[place])
        size = sample.pixels.nbytes + sample.mask.nbytes
        if size <= self._free_bytes:
            self._free_bytes -= size
            self._kept[place] = sample
        return sample


class ChosenSamples(Samples):
    """Some of other samples, which are prepared and kept there.

    Args:
        whole: the others.
        places: theirs, in order.
    """

    def __init__(self, whole: Samples, places: Sequence[int]) -> None:
        super().__init__([whole.items[place] for place in places], whole.prepare, memory_bytes=0)
        self._whole = whole
        self._places = tuple(places)

    def _made(self, place: int) -> Sample:
        return self._whole[self._places[place]]
