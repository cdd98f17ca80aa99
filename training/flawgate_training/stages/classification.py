"""Stage two: the segmentation network is frozen, the classifier learns from its features."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from flawgate_training.architectures.commutator import ClassificationNetwork, SegmentationNetwork
from flawgate_training.config import StageConfig
from flawgate_training.datasets.augmentation import Augmentation
from flawgate_training.datasets.samples import Sample
from flawgate_training.losses import cross_entropy
from flawgate_training.stages.base import Stage
from flawgate_training.stages.feed import Epoch

FeatureBank = list[TensorDataset]
"""For each of the first epochs: features, (n, 145, h, w), float32, and labels, (n, 1), float32, 0 or 1."""


@torch.no_grad()
def feature_bank(
    network: SegmentationNetwork, samples: Sequence[Sample], *, epochs: int, seed: int, frames: int | None = None
) -> FeatureBank:
    """Compute once what the frozen network says to the frames of the first epochs, flips included.

    Five epochs of KolektorSDD take about 2 GB a fold at 1408×512.

    Args:
        network: frozen; used with its running statistics.
        samples: to learn from.
        epochs: how many are computed.
        seed: of order and augmentation.
        frames: at most so many of an epoch; all where None.
    """
    network.eval()
    return [
        _features(network, Epoch(samples, epoch=epoch, seed=seed, augmentation=Augmentation()), frames)
        for epoch in range(epochs)
    ]


def _features(network: SegmentationNetwork, epoch: Epoch, count: int | None) -> TensorDataset:
    frames, _, labels = zip(*(epoch[place] for place in range(len(epoch))[:count]), strict=True)
    return TensorDataset(torch.cat([network(frame[None]) for frame in frames]), torch.stack(labels))


class ClassificationStage(Stage):
    """Trains a `ClassificationNetwork` on a feature bank, repeated until the epochs are over.

    Args:
        network: changed in place.
        config: see `Stage`.
        bank: see `feature_bank`.
    """

    trained: ClassificationNetwork

    def __init__(self, network: ClassificationNetwork, config: StageConfig, bank: FeatureBank) -> None:
        super().__init__(network, config)
        self._bank = bank

    def examples(self, epoch: int) -> Dataset[tuple[Tensor, ...]]:
        """See `Stage`: features and labels."""
        return self._bank[epoch % len(self._bank)]

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross-entropy between the logit and the label."""
        features, labels = batch
        return cross_entropy(self.trained(features), labels)
