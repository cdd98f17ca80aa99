"""Figures over frames by class; accuracy never without that of always answering the commonest class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flawgate_training.evaluation import confusion
from flawgate_training.evaluation.figures import ClassFigures, ClassRow
from flawgate_training.evaluation.frames import Thresholds
from flawgate_training.evaluation.intervals import bootstrap, clopper_pearson
from flawgate_training.evaluation.predictions import Prediction

KINDS = ("good", "defective")
"""Classes of frames where a threshold decides."""


def image_matrix(predictions: Sequence[Prediction], classes: int) -> NDArray[np.float64]:
    """Frames by label and answer, (K, K); all must have an answer."""
    truth = np.array([prediction.label for prediction in predictions])
    answers = np.array([prediction.answer for prediction in predictions])
    return confusion.matrix(truth, answers, classes).astype(np.float64)


def by_threshold(predictions: Sequence[Prediction], threshold: Thresholds) -> ClassFigures:
    """Of frames called good or defective by their score."""
    truth = np.array([int(prediction.defective) for prediction in predictions])
    alarms = np.array([prediction.score for prediction in predictions]) >= np.asarray(threshold)
    return class_figures(truth, alarms.astype(np.int64), _groups(predictions), KINDS)


def by_answer(predictions: Sequence[Prediction], classes: Sequence[str]) -> ClassFigures:
    """Of frames by the class answered; all must have an answer."""
    truth = np.array([prediction.label for prediction in predictions])
    answers = np.array([prediction.answer for prediction in predictions])
    return class_figures(truth, answers, _groups(predictions), classes)


def class_figures(
    truth: NDArray[np.int64], answers: NDArray[np.int64], groups: Sequence[str], classes: Sequence[str]
) -> ClassFigures:
    """All figures of one confusion matrix.

    Args:
        truth: (n,), true class of each frame, n at least 1.
        answers: (n,), class answered.
        groups: of each frame.
        classes: names, by index.
    """
    counted = confusion.matrix(truth, answers, len(classes))
    matrix = counted.astype(np.float64)
    frames, occurring = len(truth), counted.sum(axis=1)
    trivial = confusion.majority(occurring.tolist()).astype(np.float64)
    pairs = np.eye(len(classes) ** 2)[truth * len(classes) + answers]
    return ClassFigures(
        classes=_rows(counted, classes),
        confusion=tuple(tuple(row) for row in counted.tolist()),
        frames=frames,
        accuracy=float(confusion.accuracy(matrix)),
        accuracy_interval=clopper_pearson(int(np.trace(counted)), frames),
        majority_class=classes[int(occurring.argmax())],
        majority_accuracy=float(confusion.accuracy(trivial)),
        majority_weighted_f1=float(confusion.weighted_f1(trivial)),
        balanced_accuracy=float(confusion.mean(confusion.recalls(matrix))),
        macro_f1=float(confusion.mean(confusion.f1s(matrix))),
        macro_f1_interval=bootstrap(
            groups, lambda weights: confusion.mean(confusion.f1s((weights @ pairs).reshape(-1, *matrix.shape)))
        ),
        weighted_f1=float(confusion.weighted_f1(matrix)),
        mcc=float(confusion.mcc(matrix)),
    )


def _rows(counted: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassRow, ...]:
    matrix = counted.astype(np.float64)
    shares = (np.nan_to_num(share(matrix)) for share in (confusion.precisions, confusion.recalls, confusion.f1s))
    table = zip(classes, counted.sum(axis=1).tolist(), np.diagonal(counted).tolist(), *shares, strict=True)
    return tuple(
        ClassRow(
            name=name,
            frames=frames,
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            recall_interval=clopper_pearson(hits, frames),
        )
        for name, frames, hits, precision, recall, f1 in table
    )


def _groups(predictions: Sequence[Prediction]) -> list[str]:
    return [prediction.group for prediction in predictions]
