"""The report in plain words: one headline, what it rests on, and the key figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flawgate_training.evaluation.figures import (
    ClassFigures,
    Evaluation,
    Interval,
    Intervals,
    Report,
    SegmentationFigures,
)

CHANCE = 0.5
"""AUROC of calling frames defective at random."""


@dataclass(frozen=True)
class Verdict:
    """What the figures say.

    Attributes:
        tone: `good`: nothing was judged wrongly; `mixed`: some was; `poor`: the frames do not show that the network
            is any better than an answer without looking.
        headline: one sentence.
        detail: how far to trust it.
    """

    tone: Literal["good", "mixed", "poor"]
    headline: str
    detail: str


@dataclass(frozen=True)
class Key:
    """One key figure. `note`: its interval, or what to hold it against."""

    label: str
    value: str
    note: str


def verdict(report: Report) -> Verdict:
    """In words, from whichever figures the task has."""
    if report.pooled and report.intervals:
        return _of_frames(report.pooled, report.intervals, report.images)
    if report.images:
        return _of_classes(report.images, report.segmentation)
    if report.segmentation:
        return _of_masks(report.segmentation)
    return Verdict("poor", "Nothing can be said.", "The frames allow no figures.")


def keys(report: Report) -> list[Key]:
    """The figures to show large, most telling first."""
    return list(_keys(report))


def _of_frames(figures: Evaluation, bounds: Intervals, images: ClassFigures | None) -> Verdict:
    defects = figures.true_positives + figures.false_negatives
    good = figures.true_negatives + figures.false_positives
    alarms = _counted(figures.false_positives, "false alarm")
    headline = f"{figures.true_positives} of {defects} defective frames found, {alarms} on {good} good ones."
    if bounds.auroc and bounds.auroc.low <= CHANCE:
        trivial = f" {_without_looking(images)}." if images else ""
        return Verdict("poor", headline, f"These frames do not show that the network is better than chance.{trivial}")
    detail = (
        f"At the threshold {figures.threshold:.4g}. With 95 % confidence it finds {_percent(bounds.recall.low)} "
        f"to {_percent(bounds.recall.high)} of such defects, and raises a false alarm on at most "
        f"{_percent(1 - bounds.specificity.low)} of good frames."
    )
    return Verdict("mixed" if figures.wrong else "good", headline, detail)


def _of_classes(figures: ClassFigures, masks: SegmentationFigures | None) -> Verdict:
    hits = round(figures.accuracy * figures.frames)
    headline = f"{hits} of {figures.frames} frames get their right class."
    if masks:
        headline += f" Mean IoU of the masks: {masks.mean_iou:.3f}."
    trivial = _without_looking(figures)
    if figures.accuracy_interval.low <= figures.majority_accuracy:
        return Verdict("poor", headline, f"{trivial}: these frames do not show that the network is better.")
    return Verdict("good" if hits == figures.frames else "mixed", headline, f"{trivial}.")


def _without_looking(figures: ClassFigures) -> str:
    hits = round(figures.majority_accuracy * figures.frames)
    return f"Always answering “{figures.majority_class}” is right for {hits} of {figures.frames}"


def _of_masks(figures: SegmentationFigures) -> Verdict:
    headline = f"Masks overlap the truth by {figures.mean_iou:.3f} (mean IoU over {len(figures.classes)} classes)."
    return Verdict("mixed", headline, "No frame is defective as a whole, so there is nothing to find or to miss.")


def _keys(report: Report) -> Iterator[Key]:
    masks = report.segmentation
    if masks and len(masks.classes) > 2:
        yield Key("Mean IoU", _ratio(masks.mean_iou), _range(masks.mean_iou_interval))
    if report.pooled and report.intervals:
        yield from _frame_keys(report.pooled, report.intervals)
    if report.images and (report.pooled is None or len(report.images.classes) > 2):
        yield from _class_keys(report.images)
    elif report.images:
        figures = report.images
        yield Key("Accuracy", _ratio(figures.accuracy), _baseline(figures))
    if masks and len(masks.classes) == 2:
        yield Key("Mean IoU", _ratio(masks.mean_iou), _range(masks.mean_iou_interval))
    if report.pixels:
        yield Key("AP of pixels", _ratio(report.pixels.average_precision), f"AUROC {_ratio(report.pixels.auroc)}")


def _frame_keys(figures: Evaluation, bounds: Intervals) -> Iterator[Key]:
    good = figures.true_negatives + figures.false_positives
    yield Key("Defects found (recall)", _percent(figures.recall), _range(bounds.recall, percent=True))
    yield Key("Good frames passed", _percent(figures.true_negatives / good), _range(bounds.specificity, percent=True))
    yield Key("Average precision", _ratio(figures.average_precision), _range(bounds.average_precision))
    yield Key("AUROC", _ratio(figures.auroc), _range(bounds.auroc))
    yield Key("F1", _ratio(figures.f1), _range(bounds.f1))


def _class_keys(figures: ClassFigures) -> Iterator[Key]:
    yield Key("Accuracy", _ratio(figures.accuracy), _baseline(figures))
    yield Key("Macro F1", _ratio(figures.macro_f1), _range(figures.macro_f1_interval))
    chance = 1 / sum(row.frames > 0 for row in figures.classes)
    yield Key("Balanced accuracy", _ratio(figures.balanced_accuracy), f"without looking {_ratio(chance)}")
    yield Key("MCC", _ratio(figures.mcc), "without looking 0")


def _baseline(figures: ClassFigures) -> str:
    return f"{_range(figures.accuracy_interval)}; always “{figures.majority_class}” {_ratio(figures.majority_accuracy)}"


def _range(interval: Interval | None, *, percent: bool = False) -> str:
    if interval is None:
        return "too few parts for an interval"
    if interval.is_point:
        return "too few errors for an interval"
    told = _percent if percent else _ratio
    return f"{told(interval.low)} – {told(interval.high)}"


def _counted(count: int, what: str) -> str:
    return f"no {what}" if count == 0 else f"{count} {what}{'s' if count > 1 else ''}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def _ratio(value: float) -> str:
    return f"{value:.3f}"
