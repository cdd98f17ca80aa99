"""From samples to batches: what is drawn for a frame is a function of its key alone, so any process may draw it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from flawgate_contracts.tiling import Tiling
from flawgate_training.datasets.samples import Pixels, Sample, Samples
from flawgate_training.experiment.training import Augmentation, Corruption
from flawgate_training.learning.augmentation import augment, tile
from flawgate_training.learning.corruption import corrupt
from flawgate_training.learning.order import Batch, Draw, Order
from flawgate_training.learning.transplants import transplanted

Example = tuple[Tensor, ...]
"""What a stage learns from: of one frame, or stacked, of a batch of them."""

Make = Callable[[Pixels, Pixels, int], Example]
"""Pixels, (H, W) or (H, W, 3), uint8; mask, (H, W), uint8; index of the class → an example. Picklable."""


@dataclass(frozen=True)
class Examples(Dataset[Example]):
    """Samples as one stage sees them: a tile, if they are tiled, augmented.

    Attributes:
        samples: to draw from.
        augmentation: what is drawn.
        tiling: an example is one tile; the whole frame where None.
        make: the stage's own last step.
        seed: of the draws.
        corruption: what covers the frame that stands behind the example; None: there is no such frame.
    """

    samples: Samples
    augmentation: Augmentation
    tiling: Tiling | None
    make: Make
    seed: int
    corruption: Corruption | None = None

    def __getitem__(self, batch: Batch) -> Example:
        """A whole batch, each part of the example stacked."""
        return tuple(torch.stack(part) for part in zip(*map(self._drawn, batch), strict=True))

    def _drawn(self, draw: Draw) -> Example:
        sample = self.samples[draw.position]
        rng = np.random.default_rng([self.seed, draw.epoch, draw.place])
        pixels, mask = sample.pixels, sample.mask
        if self._moves_defects and mask.any() and rng.random() < self.augmentation.transplants:
            faintest, sideways = self.augmentation.faintest, self.augmentation.sideways
            pixels, mask = transplanted(pixels, mask, self._good(rng), faintest, rng, sideways)
        if self.tiling is not None:
            pixels, mask = tile(pixels, mask, self.tiling, rng)
        pixels, mask = augment(pixels, mask, self.augmentation, rng)
        example = self.make(pixels, mask, self._label(sample, mask))
        return example if self.corruption is None else (*example, frame_tensor(corrupt(pixels, self.corruption, rng)))

    @property
    def _moves_defects(self) -> bool:
        return self.augmentation.transplants > 0 and bool(self._goods)

    def _good(self, rng: Generator) -> Pixels:
        """The pixels of any frame without a defect."""
        return self.samples[int(rng.choice(self._goods))].pixels

    @cached_property
    def _goods(self) -> list[int]:
        return [place for place, item in enumerate(self.samples.items) if not item.defective]

    def _label(self, sample: Sample, mask: Pixels) -> int:
        """The frame's; of a part of a frame with a mask, the class of most of the marked pixels in it, 0 without."""
        if (self.tiling is None and self.augmentation.crop is None) or not sample.mask.any():
            return sample.label
        marked = mask[mask > 0]
        return int(np.bincount(marked).argmax()) if marked.size else 0


def frame_tensor(pixels: Pixels) -> Tensor:
    """As networks take it: (H, W) or (H, W, 3) → (C, H, W), uint8."""
    return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1)))


class Loader(DataLoader[Example]):
    """Batches in order, prepared ahead by other processes, or by this one where there are none.

    Attributes:
        waited: seconds that whoever asked for batches has waited for them.

    Args:
        examples: what a batch of keys stands for.
        order: of the keys.
        workers: processes that prepare batches.
        pinned: batches are put where a GPU can fetch them.
    """

    def __init__(self, examples: Dataset[Example], order: Order, *, workers: int = 0, pinned: bool = False) -> None:
        super().__init__(
            examples,
            batch_size=None,
            sampler=order,
            num_workers=workers,
            pin_memory=pinned,
            persistent_workers=workers > 0,
            worker_init_fn=_one_thread if workers else None,
        )
        self.waited = 0.0

    def __iter__(self) -> Iterator[Example]:  # type: ignore[override] # a generator does all that is asked of it
        batches = super().__iter__()
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - asked
            if batch is None:
                return
            yield batch


def _one_thread(worker: int) -> None:
    """Workers are as many as there are cores to spare, and OpenCV's threads do not survive a fork."""
    del worker
    cv2.setNumThreads(0)
