"""Judging finished runs on frames that they never saw, one run or all folds of a cross-validation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from torch import nn

from flawgate_contracts.errors import InvalidDataset, InvalidParameter
from flawgate_training.datasets.samples import Samples
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.predictions import PREDICTIONS, Judged, digest
from flawgate_training.evaluation.reporting import report_on
from flawgate_training.evaluation.scoring import predict
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning.storage import write_whole

REPORT = "evaluation.json"
"""File name of a `Report`, in a run's folder or beside the runs of a cross-validation."""


class Trained(Protocol):
    """A finished run, as `runs.load` gives it."""

    @property
    def experiment(self) -> Experiment:
        """What was trained."""
        ...

    @property
    def classes(self) -> Sequence[str]:
        """Names, by index."""
        ...

    @property
    def network(self) -> nn.Module:
        """With the trained weights."""
        ...


def evaluate_run(run: Trained, folder: Path, *, validation: Samples, test: Samples) -> Report:
    """Judge a run, and keep `predictions.json` and `evaluation.json` in its folder.

    Args:
        run: a finished one.
        folder: its folder.
        validation: frames that choose thresholds; may be none.
        test: frames to judge upon.

    Raises:
        InvalidDataset: no frame is left to judge upon, validation and test share a frame or a part, or the frames
            allow no figures.
        DiskFull: no space is left for the files.
    """
    report = report_on([judge(run, folder, validation=validation, test=test)])
    save_report(report, folder)
    return report


def judge(run: Trained, folder: Path, *, validation: Samples, test: Samples) -> Judged:
    """Predictions of a run on its held-out frames, kept in its folder.

    Those already there are taken, if the same experiment and weights made them of the same frames.

    Args:
        run: see `evaluate_run`.
        folder: see `evaluate_run`.
        validation: see `evaluate_run`.
        test: see `evaluate_run`.

    Raises:
        InvalidDataset: no frame is left to judge upon, or validation and test share a frame or a part.
        DiskFull: no space is left for the file.
    """
    _check_apart(validation, test)
    made_by = digest(run.experiment, run.network)
    names = [[item.name for item in subset.items] for subset in (validation, test)]
    if (kept := _kept(folder)) and kept.is_of(made_by, *names):
        return kept
    described = (run.network, run.experiment, run.classes)
    chosen_by, _ = predict(*described, validation, title="validation")
    judged, pixels = predict(*described, test, title="test")
    found = Judged(
        digest=made_by,
        experiment=run.experiment,
        classes=tuple(run.classes),
        validation=chosen_by,
        test=judged,
        pixels=pixels,
    )
    found.save(folder)
    return found


def pool(folders: Sequence[Path], into: Path) -> Report:
    """One report over the folds of a cross-validation.

    Args:
        folders: of the folds' runs, each judged before.
        into: folder where `evaluation.json` is written.

    Raises:
        InvalidParameter: a run is not judged, or the runs are not folds of one experiment.
        InvalidDataset: a frame is in two test sets, or the frames allow no figures.
        DiskFull: no space is left for the file.
    """
    folds = [Judged.load(folder) for folder in folders]
    _check_folds(folds, folders)
    report = report_on(sorted(folds, key=lambda fold: fold.fold))
    save_report(report, into)
    return report


def save_report(report: Report, folder: Path) -> None:
    """Write `evaluation.json`, whole or not at all.

    Raises:
        DiskFull: no space is left.
    """
    write_whole(folder / REPORT, report.model_dump_json(indent=2).encode() + b"\n")


def read_report(path: Path) -> Report:
    """Read an `evaluation.json`.

    Raises:
        InvalidParameter: there is none, or it is no report.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise InvalidParameter(f"{path} is no evaluation that `flawgate evaluate` wrote; run that first.") from err


def _kept(folder: Path) -> Judged | None:
    """What was predicted before; None where that is nothing, or nothing that this version reads."""
    if not (folder / PREDICTIONS).exists():
        return None
    try:
        return Judged.load(folder)
    except InvalidParameter:
        return None


def _check_apart(validation: Samples, test: Samples) -> None:
    if not len(test):
        raise InvalidDataset(
            "This run learned from every frame, so none is left to judge it; judge the folds of a cross-validation "
            "instead, or train with data.split.test above 0."
        )
    for shared, told in (("name", "frame"), ("group", "part")):
        both = {getattr(item, shared) for item in validation.items} & {getattr(item, shared) for item in test.items}
        if both:
            raise InvalidDataset(
                f"The {told} {min(both)} is in the validation set and in the test set, so a choice on one would "
                "flatter the other; split the data set anew."
            )


def _check_folds(folds: Sequence[Judged], folders: Sequence[Path]) -> None:
    seen: set[str] = set()
    for fold, folder in zip(folds, folders, strict=True):
        if _without_fold(fold.experiment) != _without_fold(folds[0].experiment):
            raise InvalidParameter(
                f"The runs in {folders[0]} and {folder} are not folds of one experiment; give folds that differ in "
                "data.split.fold alone."
            )
        twice = seen & {prediction.name for prediction in fold.test}
        if twice:
            raise InvalidDataset(
                f"The frame {min(twice)} is in two test sets, the second in {folder}; give every fold once."
            )
        seen |= {prediction.name for prediction in fold.test}


def _without_fold(experiment: Experiment) -> str:
    plain = experiment.model_dump(mode="json", exclude={"name"})
    plain["data"].get("split", {}).pop("fold", None)
    return str(plain)
