"""How good a run is: scores of frames that it never saw, and the figures that follow from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.datasets.samples import Sample

THRESHOLD = 0.9
"""Score from which a frame is NOT_OK. Paper d, section 4.2; fixed, never fitted."""


@dataclass(frozen=True)
class Prediction:
    """What the network said about one frame.

    Attributes:
        name: of the sample.
        defective: the truth.
        score: 0–1.
    """

    name: str
    defective: bool
    score: float


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WrongFrame(_Figures):
    """A frame on the wrong side of the threshold."""

    name: str
    defective: bool = Field(description="The truth: a missed defect where true, a false alarm where false.")
    score: float = Field(ge=0, le=1)


class Evaluation(_Figures):
    """Figures over frames. Ratios are 0–1; one without any frame to count is 0."""

    threshold: float = Field(ge=0, le=1, description="NOT_OK from this score upwards.")
    frames: int
    true_positives: int = Field(description="Defects found.")
    false_positives: int = Field(description="False alarms.")
    false_negatives: int = Field(description="Defects missed.")
    true_negatives: int = Field(description="Good frames passed.")
    precision: float
    recall: float
    f1: float
    average_precision: float
    auroc: float = Field(description="Area under the receiver operating characteristic.")
    wrong: tuple[WrongFrame, ...] = Field(description="Every frame judged wrongly, by name.")

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        return {name: float(value) for name, value in self.model_dump(exclude={"wrong"}).items()}


class Report(_Figures):
    """How a recipe was judged."""

    protocol: str = Field(description="On which frames, and why they are unseen.")
    pooled: Evaluation = Field(description="Over all frames.")
    folds: tuple[Evaluation, ...] = Field(default=(), description="One per fold; none without cross-validation.")

    @classmethod
    def cross_validated(cls, protocol: str, folds: Sequence[Sequence[Prediction]]) -> Self:
        """Judge each fold, and all of their frames together."""
        pooled = [prediction for fold in folds for prediction in fold]
        return cls(protocol=protocol, pooled=evaluate(pooled), folds=tuple(evaluate(fold) for fold in folds))


@torch.no_grad()
def predict(network: TwoStageNetwork, samples: Iterable[Sample]) -> list[Prediction]:
    """Score samples one by one, as the service does.

    Args:
        network: in evaluation mode.
        samples: prepared for it.
    """
    return [
        Prediction(sample.name, sample.defective, float(network(torch.from_numpy(sample.pixels)[None, None])[1]))
        for sample in samples
    ]


def evaluate(predictions: Sequence[Prediction], *, threshold: float = THRESHOLD) -> Evaluation:
    """Count and rank.

    Args:
        predictions: of at least one defective and one good frame.
        threshold: score from which a frame is NOT_OK.
    """
    scores = torch.tensor([prediction.score for prediction in predictions], dtype=torch.float64)
    truth = torch.tensor([prediction.defective for prediction in predictions])
    alarms = scores >= threshold
    found, missed = int((alarms & truth).sum()), int((~alarms & truth).sum())
    false_alarms = int((alarms & ~truth).sum())
    return Evaluation(
        threshold=threshold,
        frames=len(predictions),
        true_positives=found,
        false_positives=false_alarms,
        false_negatives=missed,
        true_negatives=int((~alarms & ~truth).sum()),
        precision=_ratio(found, found + false_alarms),
        recall=_ratio(found, found + missed),
        f1=_ratio(2 * found, 2 * found + false_alarms + missed),
        average_precision=float(binary_average_precision(scores, truth.long())),
        auroc=float(binary_auroc(scores, truth.long())),
        wrong=_wrong(predictions, threshold),
    )


def _wrong(predictions: Iterable[Prediction], threshold: float) -> tuple[WrongFrame, ...]:
    return tuple(
        WrongFrame(name=prediction.name, defective=prediction.defective, score=prediction.score)
        for prediction in sorted(predictions, key=lambda prediction: prediction.name)
        if (prediction.score >= threshold) != prediction.defective
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
