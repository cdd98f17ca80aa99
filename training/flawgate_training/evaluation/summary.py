"""A report for the terminal: one line, and a table."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from flawgate_training.evaluation.figures import ClassFigures, Evaluation, Interval, Report

_SHOWN_WRONG = 12


def summary(report: Report) -> str:
    """The main figures in one line."""
    return "; ".join(_parts(report)) + "."


def _parts(report: Report) -> Iterator[str]:
    if report.pooled:
        yield _counted(report.pooled)
    if report.images and (report.pooled is None or len(report.images.classes) > 2):
        yield _named(report.images)
    if report.segmentation:
        yield f"mean IoU {report.segmentation.mean_iou:.4f}"


def _counted(figures: Evaluation) -> str:
    return (
        f"{figures.frames} frames at {figures.threshold:.6g}: {figures.true_positives} defects found, "
        f"{figures.false_negatives} missed, {figures.false_positives} false alarms; "
        f"F1 {figures.f1:.4f}, AP {figures.average_precision:.4f}, AUROC {figures.auroc:.4f}"
    )


def _named(figures: ClassFigures) -> str:
    return (
        f"class of {figures.frames} frames: accuracy {figures.accuracy:.4f} (always {figures.majority_class}: "
        f"{figures.majority_accuracy:.4f}), macro F1 {figures.macro_f1:.4f}"
    )


def table(report: Report) -> Table:
    """All figures with their intervals, and the frames judged wrongly."""
    drawn = Table(title=Text(report.protocol), title_justify="left", show_header=False)
    drawn.add_column("figure")
    drawn.add_column("value", justify="right")
    drawn.add_column("95 % interval")
    for name, value, interval in rows(report):
        drawn.add_row(Text(name), Text(value), told(interval))
    return drawn


Row = tuple[str, str, Interval | None]
"""Name, value as text, interval."""


def rows(report: Report) -> Iterator[Row]:
    """Every figure: its name, its value as text, its interval."""
    if report.pooled:
        yield from _frame_rows(report, report.pooled)
    for title, figures in (("best validation threshold", report.tuned), ("paper's threshold", report.fixed)):
        if figures:
            yield f"at {title} {figures.threshold:.6g}", _short(figures), None
    if report.images:
        yield from _class_rows(report.images)
    if report.segmentation:
        yield "mean IoU", f"{report.segmentation.mean_iou:.4f}", report.segmentation.mean_iou_interval
        for name, iou in zip(report.segmentation.classes, report.segmentation.iou, strict=True):
            yield f"  IoU of {name}", "-" if iou is None else f"{iou:.4f}", None
    if report.pixels:
        yield "AP of pixels", f"{report.pixels.average_precision:.4f}", None
        yield "AUROC of pixels", f"{report.pixels.auroc:.4f}", None
    if report.pooled:
        yield from _wrong_rows(report.pooled)


def _frame_rows(report: Report, figures: Evaluation) -> Iterator[Row]:
    counts = f"{figures.true_positives} found, {figures.false_negatives} missed, {figures.false_positives} false alarms"
    yield f"at threshold {figures.threshold:.6g}", counts, None
    for name in ("precision", "recall", "f1", "average_precision", "auroc"):
        interval = getattr(report.intervals, name) if report.intervals else None
        yield name.replace("_", " "), f"{getattr(figures, name):.4f}", interval


def _class_rows(figures: ClassFigures) -> Iterator[Row]:
    yield "accuracy", f"{figures.accuracy:.4f}", figures.accuracy_interval
    yield f"  of always {figures.majority_class}", f"{figures.majority_accuracy:.4f}", None
    yield "balanced accuracy", f"{figures.balanced_accuracy:.4f}", None
    yield "macro F1", f"{figures.macro_f1:.4f}", figures.macro_f1_interval
    yield "weighted F1", f"{figures.weighted_f1:.4f}", None
    yield f"  of always {figures.majority_class}", f"{figures.majority_weighted_f1:.4f}", None
    yield "MCC", f"{figures.mcc:.4f}", None


def _wrong_rows(figures: Evaluation) -> Iterator[Row]:
    for frame in figures.wrong[:_SHOWN_WRONG]:
        yield f"  {frame.name}", f"{'missed' if frame.defective else 'false alarm'}, score {frame.score:.3f}", None
    if len(figures.wrong) > _SHOWN_WRONG:
        yield f"  and {len(figures.wrong) - _SHOWN_WRONG} more", "", None


def told(interval: Interval | None) -> str:
    """An interval as text; empty where it shows nothing."""
    return "" if interval is None or interval.is_point else f"{interval.low:.4f} – {interval.high:.4f}"


def _short(figures: Evaluation) -> str:
    return f"{figures.false_negatives} missed, {figures.false_positives} false alarms, F1 {figures.f1:.4f}"
