"""`flawgate train` and `flawgate cross-validate`."""

import logging
from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path

import typer
from torch import nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training import runs
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.scoring import validation_score
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks import judging as judged
from flawgate_training.tasks.chosen import Chosen
from flawgate_training.tasks.progress import show_progress

_log = logging.getLogger(__name__)

_RUNS = Path("runs")

_FEW_STEPS = 500
"""The commutator network learns KolektorSDD in about 1,050: windows of 35 defective frames, each beside a good one."""


def train(chosen: Chosen, out: Path | None, *, mlflow: str | None) -> None:
    """Train one run; judge it and write its report, where it held frames out.

    Args:
        chosen: experiment and data.
        out: folder of the run.
        mlflow: tracking URI, or None.

    Raises:
        InvalidDataset: the pictures cannot be learned from.
        InvalidExperiment: the description does not fit the pictures or the machine.
        DiskFull: no space is left in the folder.
    """
    show_progress()
    folder = out or _RUNS / chosen.experiment.name
    data = frames_of.read(chosen)
    _fit(chosen, data, folder, mlflow=mlflow)
    typer.echo(f"The run is finished: {folder}")
    if not data.subsets.test:
        typer.echo("It learned from every frame: none is left to judge it. `flawgate cross-validate` judges its kind.")
        return
    judged.judge(runs.load(folder), data, folder)


def cross_validate(chosen: Chosen, out: Path | None) -> None:
    """Train and judge every fold, each in `fold0`, `fold1`, ... of the folder; what is finished there is kept.

    Args:
        chosen: an experiment whose data is divided into folds.
        out: folder of the runs.

    Raises:
        InvalidExperiment: the data has no folds.
    """
    show_progress()
    folder = out or _RUNS / f"{chosen.experiment.name}_folds"
    folders: list[Path] = []
    for number in range(_folds(chosen.experiment)):
        experiment = loading.changed(chosen.experiment, [f"data.split.fold={number}"])
        fold = Chosen(experiment, chosen.data)
        data = frames_of.read(fold)
        _fit(fold, data, folder / f"fold{number}", mlflow=None)
        folders.append(folder / f"fold{number}")
        judged.judge(runs.load(folders[-1]), data, folders[-1])
    judged.tell(judging.pool(folders, folder))
    judged.report(folder, chosen.data)


def _warn_of_few_steps(experiment: Experiment, data: frames_of.RunData) -> None:
    """Epochs count passes over the defective frames: with few of these, ten epochs are next to nothing."""
    title, stage = next(iter(experiment.stages.items()))
    defective = sum(item.defective for item in data.subsets.train)
    if stage.sampler in {"class_balanced", "shuffled"} or not defective:
        return
    steps = 2 * defective * stage.repeats * stage.epochs // stage.batch_size
    if steps < _FEW_STEPS:
        _log.warning(
            "%d defective frames make %d steps in %d epochs, which is little to learn from; for %d steps take "
            "--set stages.%s.epochs=%d",
            *(defective, steps, stage.epochs, _FEW_STEPS),
            *(title, ceil(_FEW_STEPS * stage.epochs / max(steps, 1))),
        )


def _fit(chosen: Chosen, data: frames_of.RunData, folder: Path, *, mlflow: str | None) -> None:
    frames_of.warn_of_shape(chosen.experiment, data.dataset)
    _warn_of_few_steps(chosen.experiment, data)
    runs.check_same(folder, chosen.experiment, data.dataset.classes)
    frames_of.remember(chosen, data, folder)
    validate = _validation(chosen.experiment, data)
    runs.train(chosen.experiment, data.dataset.classes, data.train, folder, validate=validate, mlflow=mlflow)


def _validation(experiment: Experiment, data: frames_of.RunData) -> Callable[[nn.Module], float] | None:
    if not len(data.validation):
        return None
    return partial(validation_score, experiment=experiment, classes=data.dataset.classes, samples=data.validation)


def _folds(experiment: Experiment) -> int:
    split = getattr(experiment.data, "split", None)
    if split is None:
        raise InvalidExperiment(f"{experiment.name} learns generated frames: make more instead of folds.")
    folds: int | None = split.folds
    if folds is None:
        raise InvalidExperiment(
            f"{experiment.name} is not divided into folds; say how many: --set data.split.folds=5.",
            {"field": "data.split.folds"},
        )
    return folds
