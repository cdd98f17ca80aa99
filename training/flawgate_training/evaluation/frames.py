"""Figures over frames, each good or defective, from their scores."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from flawgate_training.evaluation import confusion, ranking
from flawgate_training.evaluation.figures import Evaluation, Interval, Intervals, WrongFrame
from flawgate_training.evaluation.intervals import bootstrap, clopper_pearson
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.evaluation.ranking import Ranking

THRESHOLD = 0.9
"""Score from which a frame is NOT_OK, unless an experiment says otherwise. Paper d, section 3.2."""

Thresholds = float | Sequence[float]
"""One for all frames, or one for each."""


def both_kinds(predictions: Sequence[Prediction]) -> bool:
    """Whether some frames are good and some are defective, as every figure here needs."""
    return len({prediction.defective for prediction in predictions}) == 2


def evaluate(predictions: Sequence[Prediction], *, threshold: Thresholds = THRESHOLD) -> Evaluation:
    """Count and rank.

    Args:
        predictions: of at least one defective and one good frame.
        threshold: score from which a frame is NOT_OK.
    """
    scores, truth = _arrays(predictions)
    alarms = scores >= np.asarray(threshold)
    found, missed = int((alarms & truth).sum()), int((~alarms & truth).sum())
    false_alarms = int((alarms & ~truth).sum())
    ranked, labels = torch.from_numpy(scores), torch.from_numpy(truth).long()
    return Evaluation(
        threshold=float(np.mean(threshold)),
        frames=len(predictions),
        true_positives=found,
        false_positives=false_alarms,
        false_negatives=missed,
        true_negatives=int((~alarms & ~truth).sum()),
        precision=_ratio(found, found + false_alarms),
        recall=_ratio(found, found + missed),
        f1=_ratio(2 * found, 2 * found + false_alarms + missed),
        average_precision=float(binary_average_precision(ranked, labels)),
        auroc=float(binary_auroc(ranked, labels)),
        wrong=_wrong(predictions, alarms),
    )


def intervals(predictions: Sequence[Prediction], *, threshold: Thresholds = THRESHOLD) -> Intervals:
    """Of what `evaluate` gives for the same frames."""
    found = evaluate(predictions, threshold=threshold)
    drawn = {name: _bootstrapped(predictions, name) for name in ("average_precision", "auroc")}
    return Intervals(
        precision=clopper_pearson(found.true_positives, found.true_positives + found.false_positives),
        recall=clopper_pearson(found.true_positives, found.true_positives + found.false_negatives),
        specificity=clopper_pearson(found.true_negatives, found.true_negatives + found.false_positives),
        f1=_bootstrapped_f1(predictions, threshold),
        average_precision=drawn["average_precision"],
        auroc=drawn["auroc"],
    )


def _bootstrapped(predictions: Sequence[Prediction], name: str) -> Interval | None:
    scores, truth = _arrays(predictions)
    figure = {"average_precision": ranking.average_precision, "auroc": ranking.auroc}[name]
    ranked = Ranking.of(scores)
    return bootstrap(
        [prediction.group for prediction in predictions],
        lambda weights: figure(ranked.totals(weights * truth), ranked.totals(weights * ~truth)),
    )


def _bootstrapped_f1(predictions: Sequence[Prediction], threshold: Thresholds) -> Interval | None:
    scores, truth = _arrays(predictions)
    alarms = scores >= np.asarray(threshold)
    cells = np.eye(4)[2 * truth + alarms]
    return bootstrap(
        [prediction.group for prediction in predictions],
        lambda weights: np.nan_to_num(confusion.f1s((weights @ cells).reshape(-1, 2, 2))[:, 1]),
    )


def _arrays(predictions: Sequence[Prediction]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    scores = np.array([prediction.score for prediction in predictions], np.float64)
    return scores, np.array([prediction.defective for prediction in predictions], np.bool_)


def _wrong(predictions: Sequence[Prediction], alarms: NDArray[np.bool_]) -> tuple[WrongFrame, ...]:
    judged: Iterable[tuple[Prediction, bool]] = zip(predictions, alarms.tolist(), strict=True)
    wrong = [prediction for prediction, alarm in judged if alarm != prediction.defective]
    return tuple(
        WrongFrame(name=prediction.name, defective=prediction.defective, score=prediction.score)
        for prediction in sorted(wrong, key=lambda prediction: prediction.name)
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
