"""Stage one: the segmentation network learns the soft targets."""

from collections.abc import Sequence

from torch import Tensor
from torch.utils.data import Dataset

from flawgate_training.architectures.commutator import FEATURES, SegmentationNetwork
from flawgate_training.config import StageConfig
from flawgate_training.datasets.augmentation import Augmentation
from flawgate_training.datasets.samples import Sample
from flawgate_training.losses import cross_entropy
from flawgate_training.stages.base import Stage
from flawgate_training.stages.feed import Epoch, Example

WHOLE_FRAMES = Augmentation()


class SegmentationStage(Stage):
    """Trains a `SegmentationNetwork` on balanced, augmented frames.

    Args:
        network: changed in place.
        config: see `Stage`.
        samples: to learn from.
        seed: of order and augmentation.
        augmentation: what is drawn for each sample.
    """

    trained: SegmentationNetwork

    def __init__(
        self,
        network: SegmentationNetwork,
        config: StageConfig,
        samples: Sequence[Sample],
        *,
        seed: int,
        augmentation: Augmentation = WHOLE_FRAMES,
    ) -> None:
        super().__init__(network, config)
        self._samples = samples
        self._augmentation = augmentation
        self._seed = seed

    def examples(self, epoch: int) -> Dataset[Example]:
        """See `Stage`: frames, targets and labels."""
        return Epoch(self._samples, epoch=epoch, seed=self._seed, augmentation=self._augmentation)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross-entropy between the logit map and the soft target."""
        frames, targets, _ = batch
        return cross_entropy(self.trained(frames)[:, FEATURES:], targets)
