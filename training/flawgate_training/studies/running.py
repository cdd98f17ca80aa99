"""Carries out what a study lacks: each run by the function behind `flawgate train` or `flawgate cross-validate`."""

from pathlib import Path

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.judging import REPORT, read_report
from flawgate_training.evaluation.predictions import PREDICTIONS, Judged, joint_digest
from flawgate_training.experiment import loading
from flawgate_training.experiment.data import FileData
from flawgate_training.experiment.schema import Experiment
from flawgate_training.tasks import training
from flawgate_training.tasks.chosen import Chosen


def folds_of(experiment: Experiment) -> int | None:
    """Number of folds that a study judges together; None where it is one run."""
    data = experiment.data
    if not isinstance(data, FileData) or data.split.fold is not None:
        return None
    return data.split.folds


def needs_folder(experiment: Experiment) -> bool:
    """Whether its frames are files, and not generated."""
    return isinstance(experiment.data, FileData)


def folders_of(experiment: Experiment, folder: Path) -> list[Path]:
    """The folders of an experiment's runs: the folder itself, or `fold0`, `fold1`, ... in it."""
    folds = folds_of(experiment)
    return [folder] if folds is None else [folder / f"fold{number}" for number in range(folds)]


def finished(experiment: Experiment, folder: Path) -> Report | None:
    """The evaluation in a folder, if the very experiment was carried out and judged there; None otherwise.

    Args:
        experiment: what is asked for; only `machine` may differ.
        folder: of the run, or of the cross-validation.
    """
    folders = folders_of(experiment, folder)
    if not all((each / PREDICTIONS).exists() for each in folders) or not (folder / REPORT).exists():
        return None
    try:
        judged, report = [Judged.load(each) for each in folders], read_report(folder / REPORT)
    except InvalidParameter:
        return None
    asked = [_fold(experiment, number) for number in range(len(folders))]
    same = all(_same(each.experiment, wanted) for each, wanted in zip(judged, asked, strict=True))
    return report if same and report.digest == joint_digest(judged) else None


def carry_out(experiment: Experiment, data: Path | None, folder: Path) -> None:
    """Train and judge; what is finished in the folder is kept, an interrupted run goes on.

    Args:
        experiment: what to do.
        data: folder of the data set, if it `needs_folder`.
        folder: of the run, or of the cross-validation.

    Raises:
        InvalidParameter: the folder holds another run.
        InvalidExperiment: the experiment does not fit the pictures or the machine.
        InvalidDataset: the pictures cannot be learned from.
        DiskFull: no space is left.
    """
    chosen = Chosen(experiment, data if needs_folder(experiment) else None)
    if folds_of(experiment) is None:
        training.train(chosen, folder, mlflow=None)
    else:
        training.cross_validate(chosen, folder)


def _fold(experiment: Experiment, number: int) -> Experiment:
    if folds_of(experiment) is None:
        return experiment
    return loading.changed(experiment, [f"data.split.fold={number}"])


def _same(begun: Experiment, asked: Experiment) -> bool:
    return begun.model_copy(update={"machine": asked.machine}) == asked
