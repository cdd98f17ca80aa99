"""How a run was judged, in words: on which frames, and why they are unseen."""

from collections.abc import Sequence

from flawgate_training.evaluation.frames import both_kinds
from flawgate_training.evaluation.predictions import Judged
from flawgate_training.experiment.data import GeneratedData, Split


def protocol(folds: Sequence[Judged]) -> str:
    """Two or three sentences about one run, or about all folds of a cross-validation."""
    return " ".join([_frames(folds), _choices(folds)])


def _frames(folds: Sequence[Judged]) -> str:
    first, count = folds[0], sum(len(fold.test) for fold in folds)
    data = first.experiment.data
    if isinstance(data, GeneratedData):
        return f"{count} generated (synthetic) frames, of seeds that training does not use."
    if len(folds) > 1:
        complete = len(folds) == data.split.folds
        which = f"{len(folds)}-fold cross-validation" if complete else f"{len(folds)} of {data.split.folds} folds"
        return (
            f"{which}, split by part (seed {data.split.seed}): each of {count} frames is "
            "judged once, by a network that saw no frame of its part."
        )
    return _held_out(data.split, first)


def _held_out(split: Split, judged: Judged) -> str:
    count = len(judged.test)
    if split.shipped:
        return f"The {count} test frames that the data set ships as such."
    if split.fold is not None:
        return f"{count} frames of fold {split.fold} of {split.folds}, split by part (seed {split.seed})."
    parts = len({prediction.group for prediction in judged.test})
    frames = f"{count} frames" if parts == count else f"{count} frames of {parts} parts"
    return f"{frames}, drawn at random (seed {split.seed}); none of their parts was trained on."


def _choices(folds: Sequence[Judged]) -> str:
    validation, threshold = sum(len(fold.validation) for fold in folds), folds[0].experiment.judging.threshold
    frames = f"{validation} validation frames of other parts"
    last = list(folds[0].experiment.stages.values())[-1]
    looked_once = last.validate_every >= last.epochs
    if not both_kinds([prediction for fold in folds for prediction in fold.test]):
        chose = validation and not looked_once
        return f"{frames} chose the epoch." if chose else "Training ran to its end: no frame chose anything."
    if threshold == "validation":
        return f"{frames} chose the {'' if looked_once else 'epoch and the '}threshold."
    chosen = f"{frames} chose the epoch" if validation and not looked_once else "Training ran to its end"
    return f"{chosen}; the threshold {threshold} was set beforehand."
