"""The two stages of a cascade: segmentation by coarse soft targets, then classification over it, frozen.

Paper d, section 3: the segmentation network learns alone; then it is frozen, and the classifier learns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from flawgate_training.architectures.networks import Cascade
from flawgate_training.datasets.samples import Pixels, Samples
from flawgate_training.learning.feed import Example, frame_tensor
from flawgate_training.learning.order import Batch
from flawgate_training.learning.stage import LearningStage
from flawgate_training.learning.stages import masked_example, weighted_example
from flawgate_training.learning.targets import shrunk, soft_target

_POOLED = 5
"""Side, in pixels of the map, of what is looked at as one: a defect is no single pixel."""


class CoarseSegmentationStage(LearningStage):
    """A cascade's segmentation learns how much of each 8×8 pixels' surroundings is defect."""

    network: Cascade

    @property
    def trained(self) -> nn.Module:
        """The segmentation."""
        return self.network.segmentation

    def loss(self, batch: Example) -> Tensor:
        """Between the logit map and the soft target."""
        frames, targets, *weights = batch
        return self.lesson.measure(self.network.segmentation(frames)[:, -1:], targets, *weights)


class CascadeClassificationStage(LearningStage):
    """A cascade's classification learns from the frozen segmentation: from frames, or from features kept in a bank."""

    network: Cascade

    @property
    def trained(self) -> nn.Module:
        """The classification."""
        return self.network.classification

    def loss(self, batch: Example) -> Tensor:
        """Between the logit and "defective".

        The classification computes in float32 whatever else does: its depthwise convolutions gain nothing from half
        precision, and take twice as long in bfloat16 on a CPU.
        """
        inputs, labels = batch
        features = self._features(inputs) if inputs.dtype == torch.uint8 else inputs
        with torch.autocast(inputs.device.type, enabled=False):
            logits = self.network.classification(features.float())
        return self.lesson.measure(logits, labels)

    @torch.no_grad()
    def _features(self, frames: Tensor) -> Tensor:
        features: Tensor = self.network.segmentation(frames)
        return features


@dataclass(frozen=True)
class FeatureBank(Dataset[Example]):
    """What the frozen segmentation said to the frames of the first epochs, shown again and again.

    Five epochs of KolektorSDD take about 2 GB a fold at 1408×512.

    Attributes:
        epochs: of each, features, (n, F+1, h, w), float32, and indices of classes, (n,), int64.
    """

    epochs: Sequence[tuple[Tensor, Tensor]]

    def places(self, epoch: int) -> range:
        """Of an epoch's frames: the order in which they were shown to the segmentation."""
        return range(len(self.epochs[epoch % len(self.epochs)][1]))

    def __getitem__(self, batch: Batch) -> Example:
        """A batch of features and labels; epochs beyond the last kept one begin again with the first."""
        features, labels = self.epochs[batch[0].epoch % len(self.epochs)]
        rows = [draw.position for draw in batch]
        if rows == list(range(rows[0], rows[0] + len(rows))):
            return features[rows[0] : rows[-1] + 1], labels[rows[0] : rows[-1] + 1]  # views: nothing is copied
        return features[rows], labels[rows]

    @classmethod
    @torch.no_grad()
    def filled(
        cls, segmentation: nn.Module, epochs: Iterable[Iterable[Example]], device: torch.device
    ) -> "FeatureBank":
        """Ask the segmentation, in evaluation mode, about the frames of some epochs.

        Args:
            segmentation: frozen.
            epochs: batches of frames and labels, as `labelled_example` makes them.
            device: where it computes; what it said is kept in main memory.
        """
        segmentation.to(device).eval()
        kept = []
        for batches in epochs:
            pairs = [(segmentation(frames.to(device)).float().cpu(), labels) for frames, labels in batches]
            features, labels = zip(*pairs, strict=True)
            kept.append((torch.cat(features), torch.cat(labels)))
        return cls(kept)

    @classmethod
    def merged(cls, banks: Sequence["FeatureBank"]) -> "FeatureBank":
        """Several banks of equally many epochs as one, in which their frames take turns."""
        epochs = []
        for parts in zip(*(bank.epochs for bank in banks), strict=True):
            features, labels = (torch.cat(kind) for kind in zip(*parts, strict=True))
            places = torch.cat([torch.linspace(0, 1, len(part[1])) for part in parts])
            turns = places.argsort(stable=True)
            epochs.append((features[turns], labels[turns]))
        return cls(epochs)


class HeldOut(NamedTuple):
    """Some of the frames to learn from, and a segmentation whose refinement did without them.

    What the refinement of all frames says of these is clearer than what it will say of new ones; what this one says of
    its frames is not.
    """

    segmentation: nn.Module
    samples: Samples


@torch.no_grad()
def doubts(segmentation: nn.Module, samples: Samples, device: torch.device) -> list[float]:
    """What a segmentation sees in each frame, 0–1: the highest mean of 5×5 pixels of its map.

    Args:
        segmentation: of a cascade; it is in evaluation mode afterwards.
        samples: frames as they are, not augmented.
        device: where it computes.
    """
    segmentation.to(device).eval()
    found = []
    for place in range(len(samples)):
        frame = frame_tensor(samples[place].pixels).to(device)
        likely = segmentation(frame[None])[:, -1:].float().sigmoid()
        found.append(float(functional.avg_pool2d(likely, min(_POOLED, *likely.shape[-2:]), 1).amax()))
    return found


def coarse_example(pixels: Pixels, mask: Pixels, label: int) -> Example:
    """Frame, (C, H, W), uint8, and soft target, (1, H/8, W/8), float32."""
    frame, plane = masked_example(pixels, mask, label)
    return frame, soft_target(plane[None])[0]


def coarse_weighted_example(pixels: Pixels, mask: Pixels, label: int, *, power: float, largest: float) -> Example:
    """As `coarse_example`, and the weights of the pixels, shrunk alike."""
    frame, _, weights = weighted_example(pixels, mask, label, power=power, largest=largest)
    return frame, soft_target(torch.from_numpy(mask)[None])[0], shrunk(weights[None])[0]
