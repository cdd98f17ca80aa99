"""Precision-recall curve and receiver operating characteristic, with the points of the thresholds."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from flawgate_training.evaluation.figures import Evaluation, Interval, Report
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.evaluation.ranking import Ranking
from flawgate_training.report.charts import Chart, Line, Mark, Point, shares

_MAX_POINTS = 600
"""Of a line: more than the eye can tell apart."""

Counts = NDArray[np.float64]


def rankings(report: Report, predictions: Sequence[Prediction], *, chosen: str) -> list[Chart]:
    """Precision against recall, and recall against false alarms; none without good and defective frames.

    Args:
        report: of the run.
        predictions: of its test frames.
        chosen: how its threshold was found, in few words.
    """
    if report.pooled is None:
        return []
    ranked = Ranking.of(np.array([prediction.score for prediction in predictions], np.float64))
    defective = np.array([prediction.defective for prediction in predictions], np.float64)
    found, alarms = ranked.totals(defective).cumsum(), ranked.totals(1 - defective).cumsum()
    return [
        _precision_recall(report, report.pooled, found, alarms, chosen),
        _roc(report, report.pooled, found, alarms, chosen),
    ]


def _precision_recall(report: Report, figures: Evaluation, found: Counts, alarms: Counts, chosen: str) -> Chart:
    base = float(found[-1] / (found[-1] + alarms[-1]))
    interval = report.intervals.average_precision if report.intervals else None
    return Chart(
        title="Precision and recall",
        note=f"Average precision {figures.average_precision:.4f}{_told(interval)}. Dashed: alarms at random.",
        x=shares("recall: share of defects found"),
        y=shares("precision: share of alarms that are defects"),
        lines=(
            Line("", ((0.0, base), (1.0, base)), "aside"),
            Line("", _steps(found / found[-1], found / (found + alarms)), "first"),
        ),
        marks=_marks(report, chosen, lambda at: (at.recall, at.precision)),
    )


def _roc(report: Report, figures: Evaluation, found: Counts, alarms: Counts, chosen: str) -> Chart:
    rates, recalls = _thinned(alarms / alarms[-1]), _thinned(found / found[-1])
    interval = report.intervals.auroc if report.intervals else None
    return Chart(
        title="Receiver operating characteristic",
        note=f"AUROC {figures.auroc:.4f}{_told(interval)}. Dashed: alarms at random.",
        x=shares("share of good frames that raise an alarm"),
        y=shares("recall: share of defects found"),
        lines=(
            Line("", ((0.0, 0.0), (1.0, 1.0)), "aside"),
            Line("", ((0.0, 0.0), *zip(rates, recalls, strict=True)), "first"),
        ),
        marks=_marks(
            report, chosen, lambda at: (at.false_positives / (at.false_positives + at.true_negatives), at.recall)
        ),
    )


def _steps(recall: Counts, precision: Counts) -> tuple[Point, ...]:
    """The curve whose area is the average precision: a precision holds from the recall before to its own."""
    points: list[Point] = [(0.0, float(precision[0]))]
    for to, height in zip(_thinned(recall), _thinned(precision), strict=True):
        points += [(points[-1][0], height), (to, height)]
    return tuple(points)


def _thinned(values: Counts) -> list[float]:
    """At most `_MAX_POINTS` of the values, the first and the last among them."""
    places = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MAX_POINTS)).round().astype(int))
    return [float(value) for value in values[places]]


def _marks(report: Report, chosen: str, at: Callable[[Evaluation], Point]) -> tuple[Mark, ...]:
    named = [(chosen, report.pooled), ("best on validation frames", report.tuned), ("of paper d", report.fixed)]
    return tuple(
        Mark(f"{figures.threshold:.4g}, {name}", at(figures), hollow=place > 0)
        for place, (name, figures) in enumerate(named)
        if figures is not None
    )


def _told(interval: Interval | None) -> str:
    return f" (95 % interval {interval.low:.3f}–{interval.high:.3f})" if interval and not interval.is_point else ""
