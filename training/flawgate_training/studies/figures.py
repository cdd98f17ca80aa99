"""The figures that a study may show, each read from a run's evaluation.json and from nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from flawgate_training.evaluation.figures import Evaluation, Interval, Report

FigureName = Literal[
    "errors",
    "false_positives",
    "false_negatives",
    "f1",
    "precision",
    "recall",
    "average_precision",
    "auroc",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "mean_iou",
    "mean_iou_foreground",
    "pixel_average_precision",
]


@dataclass(frozen=True)
class Kind:
    """What a figure is called, and how it is written.

    Attributes:
        title: in a table's head.
        counted: a number of frames, fewer is better; else a share, 0–1, more is better.
    """

    title: str
    counted: bool = False


FIGURES: Mapping[FigureName, Kind] = {
    "errors": Kind("errors", counted=True),
    "false_positives": Kind("FP", counted=True),
    "false_negatives": Kind("FN", counted=True),
    "f1": Kind("F1"),
    "precision": Kind("precision"),
    "recall": Kind("recall"),
    "average_precision": Kind("AP"),
    "auroc": Kind("AUROC"),
    "accuracy": Kind("accuracy"),
    "balanced_accuracy": Kind("balanced accuracy"),
    "macro_f1": Kind("macro F1"),
    "mean_iou": Kind("mean IoU"),
    "mean_iou_foreground": Kind("mean IoU without background"),
    "pixel_average_precision": Kind("AP of pixels"),
}

ROUNDING = 1e-6
"""How far a share may be off: torchmetrics sums in single precision, and a perfect ranking comes to 0.9999999."""

Values = dict[FigureName, float]
Intervals = dict[FigureName, Interval]

_READ: Mapping[FigureName, Callable[[Report], float | None]] = {
    "errors": lambda report: _of_frames(report, lambda found: found.false_positives + found.false_negatives),
    "false_positives": lambda report: _of_frames(report, lambda found: found.false_positives),
    "false_negatives": lambda report: _of_frames(report, lambda found: found.false_negatives),
    "f1": lambda report: _of_frames(report, lambda found: found.f1),
    "precision": lambda report: _of_frames(report, lambda found: found.precision),
    "recall": lambda report: _of_frames(report, lambda found: found.recall),
    "average_precision": lambda report: _of_frames(report, lambda found: found.average_precision),
    "auroc": lambda report: _of_frames(report, lambda found: found.auroc),
    "accuracy": lambda report: report.images.accuracy if report.images else None,
    "balanced_accuracy": lambda report: report.images.balanced_accuracy if report.images else None,
    "macro_f1": lambda report: report.images.macro_f1 if report.images else None,
    "mean_iou": lambda report: report.segmentation.mean_iou if report.segmentation else None,
    "mean_iou_foreground": lambda report: report.segmentation.mean_iou_foreground if report.segmentation else None,
    "pixel_average_precision": lambda report: report.pixels.average_precision if report.pixels else None,
}


def values(report: Report) -> Values:
    """Every figure that a report has."""
    read = ((name, _READ[name](report)) for name in get_args(FigureName))
    return {name: float(value) for name, value in read if value is not None}


def intervals(report: Report) -> Intervals:
    """The 95 % intervals that a report has."""
    found: dict[FigureName, Interval | None] = {}
    if report.intervals:
        told = report.intervals
        found |= {"precision": told.precision, "recall": told.recall, "f1": told.f1}
        found |= {"average_precision": told.average_precision, "auroc": told.auroc}
    if report.images:
        found |= {"accuracy": report.images.accuracy_interval, "macro_f1": report.images.macro_f1_interval}
    if report.segmentation:
        found["mean_iou"] = report.segmentation.mean_iou_interval
    return {name: interval for name, interval in found.items() if interval is not None}


def told(name: FigureName, value: float) -> str:
    """A value as it stands in a table: counts plain (a mean of counts with one decimal), shares with four decimals.

    A share below 1 is never rounded up to 1: that would look like no error at all.
    """
    if FIGURES[name].counted:
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    return "1.0000" if value >= 1 - ROUNDING else f"{min(value, 0.9999):.4f}"


def of_errors(found: Mapping[FigureName, float]) -> str:
    """Errors as false alarms and missed defects, e.g. "1 FP + 0 FN"; their number alone where only that is known."""
    if not {"false_positives", "false_negatives"} <= found.keys():
        return told("errors", found["errors"])
    return " + ".join(
        (f"{told('errors', found['false_positives'])} FP", f"{told('errors', found['false_negatives'])} FN")
    )


def _of_frames(report: Report, figure: Callable[[Evaluation], float]) -> float | None:
    return None if report.pooled is None else figure(report.pooled)
