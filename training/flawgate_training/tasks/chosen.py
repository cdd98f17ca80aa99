"""From the options of a command to the experiment that is meant, and where its data lie."""

from dataclasses import dataclass, field
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.datasets import own
from flawgate_training.experiment import loading
from flawgate_training.experiment.data import FileData
from flawgate_training.experiment.own import on_own_data
from flawgate_training.experiment.schema import Experiment


@dataclass(frozen=True)
class Choice:
    """What the command line said.

    Attributes:
        experiment: name or file.
        like: as which experiment own pictures shall be learned, instead.
        recipe: name of the own part.
        settings: `key=value` each.
        data: folder of the data set.
        fold: which fold to hold out; all frames are learned from, where the data has folds, without.
        gpus: number of GPUs; as the machine has where None.
        half: mixed precision.
    """

    experiment: str | None
    like: str | None = None
    recipe: str | None = None
    settings: list[str] = field(default_factory=list)
    data: Path | None = None
    fold: int | None = None
    gpus: int | None = None
    half: bool = False


@dataclass(frozen=True)
class Chosen:
    """An experiment and its data.

    Attributes:
        experiment: complete.
        data: folder of the data set; None where pictures are generated.
    """

    experiment: Experiment
    data: Path | None


def choose(choice: Choice) -> Chosen:
    """Settle what is meant.

    Raises:
        InvalidParameter: both or neither of experiment and `--like`, or a folder or recipe is missing.
        InvalidExperiment: the experiment is unknown, or a setting does not fit.
        InvalidDataset: own pictures do not lie in any known way.
    """
    experiment = _own(choice) if choice.like is not None else _ours(choice)
    if isinstance(experiment.data, FileData) and choice.data is None:
        raise InvalidParameter(
            f"{experiment.name} learns from files ({experiment.data.kind}); give their folder with --data.",
            {"field": "data"},
        )
    return Chosen(experiment, choice.data if isinstance(experiment.data, FileData) else None)


def _ours(choice: Choice) -> Experiment:
    if choice.experiment is None:
        raise InvalidParameter(
            "Name an experiment (`flawgate experiments` lists them), or one to imitate with --like.",
            {"field": "experiment"},
        )
    return loading.load(choice.experiment, [*_flags(choice), *choice.settings], recipe=choice.recipe)


def _own(choice: Choice) -> Experiment:
    if choice.experiment is not None:
        raise InvalidParameter("Give either an experiment or --like, not both.", {"field": "like"})
    if choice.data is None or choice.recipe is None:
        raise InvalidParameter(
            "--like learns own pictures: give their folder with --data and the part's name with --recipe.",
            {"field": "data"},
        )
    base = loading.load(str(choice.like), recipe=choice.recipe)
    own_experiment = on_own_data(base, own.detect(choice.data, base.task))
    return loading.changed(own_experiment, [*_flags(choice), *choice.settings])


def _flags(choice: Choice) -> list[str]:
    """The flags as settings; what `--set` says comes after them and wins."""
    flags = []
    if choice.fold is not None:
        flags.append(f"data.split.fold={choice.fold}")
    if choice.gpus is not None:
        flags += ["machine.accelerator=gpu", f"machine.devices={choice.gpus}"]
    if choice.half:
        flags.append("machine.precision=16-mixed")
    return flags
