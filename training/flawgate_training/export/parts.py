"""The parts that a network is exported in, as modules of one function: probabilities come out, float32.

Whatever a network computes with inside, its logits become float32 before a sigmoid or softmax.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from flawgate_contracts.kinds import Kind
from flawgate_training.architectures.networks import Cascade, Classifier, Reconstructor, Segmenter
from flawgate_training.export.explanation import ExplainedProbabilities


class SegmentationPart(nn.Module):
    """Of a cascade: `frame`, (N, C, H, W), uint8 → `mask`, (N, 1, h, w), 0–1, and `features`, (N, F+1, h, w); float32.

    The last feature is the mask's logit.
    """

    def __init__(self, network: Cascade) -> None:
        super().__init__()
        self.network = network.segmentation

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        features = self.network(frame).float()
        return features[:, -1:].sigmoid(), features


class ClassificationPart(nn.Module):
    """Of a cascade: `features`, (N, F+1, h, w), float32 → `score`, (N, 1), float32, 0–1."""

    def __init__(self, network: Cascade) -> None:
        super().__init__()
        self.network = network.classification

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        score: Tensor = self.network(features.to(next(self.network.parameters()).dtype)).float().sigmoid()
        return score


class Probabilities(nn.Module):
    """`frame`, (N, C, H, W), uint8 → (N, K, ...), float32, 0–1: sigmoid of one logit, softmax over several."""

    def __init__(self, network: Segmenter | Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.network(frame).float()
        return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)


class Drawing(nn.Module):
    """`frame`, (N, C, H, W), uint8 → `reconstruction`, (N, C, H, W), float32, 0–1."""

    def __init__(self, network: Reconstructor) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.network.body(self.network.normalise(frame)).float()
        return logits.sigmoid()


USES: Mapping[Kind, type[nn.Module]] = {
    "cascade": Cascade,
    "segmentation": Segmenter,
    "classification": Classifier,
    "anomaly": Reconstructor,
}
"""The network of each kind."""

PARTS: Mapping[Kind, tuple[Callable[[Any], nn.Module], ...]] = {
    "cascade": (SegmentationPart, ClassificationPart),
    "segmentation": (Probabilities,),
    "classification": (Probabilities,),
    "anomaly": (Drawing,),
}
"""What makes the modules, in the order of `kinds.CALLS`; without an explanation."""


def parts(kind: Kind, *, explained: bool) -> tuple[Callable[[Any], nn.Module], ...]:
    """What makes the modules, in the order of `kinds.calls`."""
    return (*PARTS[kind][:-1], ExplainedProbabilities) if explained else PARTS[kind]
