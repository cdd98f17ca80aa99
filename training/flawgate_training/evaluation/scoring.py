"""From samples to predictions: every frame of a subset judged, its pixels counted."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import nn

from flawgate_training.datasets.samples import Sample
from flawgate_training.evaluation import confusion, ranking
from flawgate_training.evaluation.classes import image_matrix
from flawgate_training.evaluation.inference import Judge, Judgement, evaluating
from flawgate_training.evaluation.pixels import pixel_matrix
from flawgate_training.evaluation.predictions import BINS, Histogram, Prediction
from flawgate_training.evaluation.ranking import Ranking
from flawgate_training.experiment.schema import Experiment


def predict(
    network: nn.Module, experiment: Experiment, classes: Sequence[str], samples: Sequence[Sample], *, title: str = ""
) -> tuple[tuple[Prediction, ...], Histogram | None]:
    """Judge every sample.

    Args:
        network: as it is; every part of it is back in its own mode afterwards.
        experiment: that it learned.
        classes: names, by index.
        samples: prepared for it; looked at one by one, so that they need not fit into memory.
        title: of the progress bar, which a terminal alone shows; none where empty.

    Returns:
        One prediction for each sample, in their order, and the histogram of the maps; None where there are none, or no
        mask marks anything.
    """
    counts = np.zeros((2, BINS), np.int64)
    predictions = []
    mask_classes = len(classes) if experiment.task == "segmentation" else 2
    with evaluating(network):
        judge = Judge(network, experiment, classes)
        for sample in _shown(samples, title):
            judged = judge.judge(sample.pixels)
            predictions.append(_prediction(sample, judged, mask_classes))
            if judged.defect_map is not None:
                _count(counts, judged.defect_map, sample.mask)
    return tuple(predictions), Histogram.of(counts) if counts[1].any() else None


def validation_score(
    network: nn.Module, experiment: Experiment, classes: Sequence[str], samples: Sequence[Sample]
) -> float:
    """How good a network is so far, on validation frames; by this, epochs are chosen.

    Mean IoU of a segmentation, macro F1 of a classification, and average precision of the rest; of an anomaly without
    any defective validation frame, minus the mean score of the good ones.

    Args:
        network: see `predict`.
        experiment: that it learns.
        classes: names, by index.
        samples: validation frames, at least one.

    Returns:
        Higher is better.
    """
    predictions, _ = predict(network, experiment, classes, samples)
    match experiment.task:
        case "segmentation":
            return float(confusion.mean(confusion.ious(pixel_matrix(predictions))))
        case "classification":
            return float(confusion.mean(confusion.f1s(image_matrix(predictions, len(classes)))))
        case "cascade" | "anomaly":
            return _ranking_score(predictions)


def _ranking_score(predictions: Sequence[Prediction]) -> float:
    scores = np.array([prediction.score for prediction in predictions], np.float64)
    defective = np.array([prediction.defective for prediction in predictions], np.float64)
    if not defective.any():
        return float(-scores.mean())
    ranked = Ranking.of(scores)
    return float(ranking.average_precision(ranked.totals(defective), ranked.totals(1 - defective)))


def _prediction(sample: Sample, judged: Judgement, mask_classes: int) -> Prediction:
    return Prediction(
        name=sample.name,
        defective=sample.defective,
        score=judged.score,
        group=sample.group,
        label=sample.label,
        answer=judged.answer,
        confusion=None if judged.class_map is None else _pairs(sample.mask, judged.class_map, mask_classes),
    )


def _pairs(mask: NDArray[np.uint8], class_map: NDArray[np.uint8], classes: int) -> tuple[int, ...]:
    """Pixels by truth and answer; to a cascade, every kind of defect is the one."""
    counted = confusion.matrix(np.minimum(mask, classes - 1), class_map, classes)
    return tuple(counted.reshape(-1).tolist())


def _count(counts: NDArray[np.int64], defect_map: NDArray[np.float32], mask: NDArray[np.uint8]) -> None:
    bins = np.minimum((defect_map * BINS).astype(np.int64), BINS - 1)
    counts += np.bincount((bins + BINS * (mask > 0)).reshape(-1), minlength=2 * BINS).reshape(2, BINS)


def _shown(samples: Sequence[Sample], title: str) -> Iterable[Sample]:
    console = Console(stderr=True)
    if not title or not console.is_terminal:
        return samples
    return track(samples, description=title, console=console, transient=True, total=len(samples))
