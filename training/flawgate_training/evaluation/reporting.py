"""From predictions to a report: which figures a task has, at which thresholds."""

from collections.abc import Sequence

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.evaluation.classes import by_answer, by_threshold
from flawgate_training.evaluation.figures import ClassFigures, Evaluation, PixelFigures, Report, SegmentationFigures
from flawgate_training.evaluation.frames import THRESHOLD, Thresholds, both_kinds, evaluate, intervals
from flawgate_training.evaluation.goodness import has_good_class
from flawgate_training.evaluation.pixels import pixel_figures, segmentation_figures
from flawgate_training.evaluation.predictions import Judged, Prediction, joint_digest
from flawgate_training.evaluation.protocol import protocol
from flawgate_training.evaluation.thresholds import chosen


def report_on(folds: Sequence[Judged]) -> Report:
    """All figures that the frames allow.

    Args:
        folds: one run, or every fold of a cross-validation; each with at least one test frame.

    Raises:
        InvalidDataset: the frames allow none, or do not tell the threshold that they shall choose.
    """
    test = [prediction for fold in folds for prediction in fold.test]
    limits = [threshold_of(fold) for fold in folds] if both_kinds(test) else []
    pooled = evaluate(test, threshold=_spread(folds, limits)) if limits else None
    report = Report(
        protocol=protocol(folds),
        pooled=pooled,
        folds=_each(folds, limits) if len(folds) > 1 else (),
        task=folds[0].experiment.task,
        digest=joint_digest(folds),
        tuned=_tuned(folds, test) if limits else None,
        fixed=_fixed(folds, test) if limits else None,
        intervals=intervals(test, threshold=_spread(folds, limits)) if limits else None,
        images=_images(folds[0], test, _spread(folds, limits) if limits else None),
        segmentation=_segmentation(folds[0], test),
        pixels=_pixels(folds),
    )
    if not (report.pooled or report.images or report.segmentation):
        raise InvalidDataset(
            f"All {len(test)} test frames are {'defective' if test[0].defective else 'good'}, so nothing can be said "
            "about the run; choose another data.split.seed, or a larger data.split.test."
        )
    return report


def threshold_of(judged: Judged) -> float:
    """Score from which a frame of this run is NOT_OK.

    Raises:
        InvalidDataset: validation frames shall choose it, but cannot.
    """
    setting = judged.experiment.judging.threshold
    if setting != "validation":
        return setting
    best = chosen(judged.experiment, judged.validation)
    if best is None:
        wanted = "good ones" if judged.experiment.task == "anomaly" else "both good and defective ones"
        raise InvalidDataset(
            f"The threshold is to be chosen on validation frames, but these {len(judged.validation)} do not hold "
            f"{wanted}; make data.split.validation larger, or set judging.threshold to a number."
        )
    return best


def _spread(folds: Sequence[Judged], limits: Sequence[float]) -> Thresholds:
    """One threshold, where all folds have the same; else that of every test frame."""
    if len(set(limits)) == 1:
        return limits[0]
    return [limit for fold, limit in zip(folds, limits, strict=True) for _ in fold.test]


def _each(folds: Sequence[Judged], limits: Sequence[float]) -> tuple[Evaluation, ...]:
    if not limits or not all(both_kinds(fold.test) for fold in folds):
        return ()
    return tuple(evaluate(fold.test, threshold=limit) for fold, limit in zip(folds, limits, strict=True))


def _tuned(folds: Sequence[Judged], test: Sequence[Prediction]) -> Evaluation | None:
    """At the best validation threshold, unless that is the one set."""
    best = [limit for fold in folds if (limit := chosen(fold.experiment, fold.validation)) is not None]
    if folds[0].experiment.judging.threshold == "validation" or len(best) < len(folds):
        return None
    return evaluate(test, threshold=_spread(folds, best))


def _fixed(folds: Sequence[Judged], test: Sequence[Prediction]) -> Evaluation | None:
    """At `THRESHOLD`, unless that is the one set; a residual is no probability, so never of an anomaly."""
    experiment = folds[0].experiment
    if experiment.task == "anomaly" or experiment.judging.threshold == THRESHOLD:
        return None
    return evaluate(test, threshold=THRESHOLD)


def _images(judged: Judged, test: Sequence[Prediction], limits: Thresholds | None) -> ClassFigures | None:
    """By the class answered; where there are only good and defective frames, by the threshold, as in service."""
    answered = all(prediction.answer is not None for prediction in test)
    good_or_bad = len(judged.classes) == 2 and has_good_class(judged.experiment, judged.classes)
    if answered and (limits is None or not good_or_bad):
        return by_answer(test, judged.classes)
    return None if limits is None else by_threshold(test, limits)


def _segmentation(judged: Judged, test: Sequence[Prediction]) -> SegmentationFigures | None:
    if any(prediction.confusion is None for prediction in test):
        return None
    whole = judged.experiment.task == "segmentation"
    return segmentation_figures(test, judged.classes if whole else (judged.classes[0], "defect"))


def _pixels(folds: Sequence[Judged]) -> PixelFigures | None:
    found = [fold.pixels for fold in folds if fold.pixels is not None]
    return pixel_figures(found) if found else None
