"""Which frames a reader should see: those judged wrongly, and where there are none, the closest calls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flawgate_training.evaluation import confusion
from flawgate_training.evaluation.predictions import Prediction

PER_SECTION = 6
"""Frames shown in each section; there are at most three sections."""


@dataclass(frozen=True)
class Section:
    """Frames of one kind.

    Attributes:
        title: what they are.
        note: how many there are, and which are shown.
        predictions: those shown, worst first.
    """

    title: str
    note: str
    predictions: tuple[Prediction, ...]


def sections(
    predictions: Sequence[Prediction], limits: Sequence[float] | None, classes: Sequence[str]
) -> list[Section]:
    """Choose frames.

    Args:
        predictions: of the test frames.
        limits: threshold of each; None where no frame is simply good or defective.
        classes: names, by index.
    """
    chosen = [] if limits is None else _by_threshold(predictions, limits)
    if limits is None or len(classes) > 2:
        chosen.append(_by_class(predictions, classes))
    return [section for section in chosen if section.predictions]


def _by_threshold(predictions: Sequence[Prediction], limits: Sequence[float]) -> list[Section]:
    margins = [(each.score - limit, each) for each, limit in zip(predictions, limits, strict=True)]
    defects = sorted((pair for pair in margins if pair[1].defective), key=lambda pair: pair[0])
    good = sorted((pair for pair in margins if not pair[1].defective), key=lambda pair: -pair[0])
    missed, alarms = [each for margin, each in defects if margin < 0], [each for margin, each in good if margin >= 0]
    return [
        _section("Missed defects", missed, "lowest scores")
        if missed
        else _section("No defect was missed: the closest calls", [each for _, each in defects], "lowest scores"),
        _section("False alarms", alarms, "highest scores")
        if alarms
        else _section("No false alarm: the closest calls", [each for _, each in good], "highest scores"),
    ]


def _by_class(predictions: Sequence[Prediction], classes: Sequence[str]) -> Section:
    wrong = [each for each in predictions if each.answer not in {None, each.label}]
    if any(each.confusion is None for each in predictions):
        return _section("Taken for another class", sorted(wrong, key=lambda each: -each.score), "highest scores")
    overlap = {each.name: _overlap(each, len(classes)) for each in predictions}
    by_overlap = sorted(predictions, key=lambda each: (each not in wrong, overlap[each.name]))
    title = "Taken for another class" if wrong else "Every frame has the right class: the worst masks"
    return _section(title, [each for each in by_overlap if not wrong or each in wrong], "least overlap of the masks")


def _overlap(prediction: Prediction, classes: int) -> float:
    """Mean IoU of one frame, over the classes in it."""
    matrix = np.array(prediction.confusion, np.float64).reshape(classes, classes)
    return float(confusion.mean(confusion.ious(matrix)))


def _section(title: str, found: Sequence[Prediction], order: str) -> Section:
    shown = tuple(found[:PER_SECTION])
    return Section(title, f"{len(shown)} of {len(found)} shown, {order} first.", shown)
