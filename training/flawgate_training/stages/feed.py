"""One epoch's samples in the network's own kind: uint8 frames and soft targets."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from flawgate_training.datasets.augmentation import Augmentation
from flawgate_training.datasets.samples import Sample
from flawgate_training.datasets.targets import soft_target
from flawgate_training.sampling import balanced_epoch

Example = tuple[Tensor, Tensor, Tensor]
"""Frame, (1, H, W), uint8, 0–255; target, (1, H/8, W/8), float32, 0–1; label, (1,), float32, 0 or 1."""


class Epoch(Dataset[Example]):
    """The balanced, augmented samples of one epoch: a pure function of samples, epoch and seed.

    Args:
        samples: to choose from.
        epoch: 0 or more.
        seed: of order and augmentation.
        augmentation: what is drawn for each sample.
    """

    def __init__(self, samples: Sequence[Sample], *, epoch: int, seed: int, augmentation: Augmentation) -> None:
        self._samples = samples
        self._order = balanced_epoch([sample.defective for sample in samples], epoch=epoch, seed=seed)
        self._key = (seed, epoch)
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Example:
        sample = self._samples[self._order[place]]
        rng = np.random.default_rng([*self._key, place])
        pixels, mask = self._augmentation.draw(sample.pixels, sample.mask, rng)
        target = soft_target(torch.from_numpy(mask)[None, None])[0]
        return torch.from_numpy(pixels)[None], target, torch.tensor([float(sample.defective)])
