"""A run's folder: what was asked for, what was learned, how it went.

::

    RUN/experiment.json    an `Experiment`
    RUN/classes.json       names of the classes, by index
    RUN/curves.json        the epochs of each stage: loss, validation score, seconds; see `learning.curves`
    RUN/tensorboard/       the same for TensorBoard, by stage
    RUN/checkpoints/       what an interrupted run goes on from; gone once it is finished
    RUN/training.json      seconds, device, threads and versions
    RUN/weights.pt         the network's weights: the run is finished

Whoever gives the data keeps beside it what was learned from (manifest.json, split.json), and whoever judges the run the
scores and figures.
"""

import copy
import json
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import lightning
import torch
from torch import nn

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.architectures import registry
from flawgate_training.datasets.groups import divide
from flawgate_training.datasets.samples import ChosenSamples, Samples
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning import checks, storage
from flawgate_training.learning.cascade import HeldOut
from flawgate_training.learning.claim import claimed
from flawgate_training.learning.curriculum import part_of, stage_of
from flawgate_training.learning.fit import Terms, fit
from flawgate_training.learning.loggers import Destinations
from flawgate_training.learning.machine import Settled, settle
from flawgate_training.learning.selection import Validate

Build = Callable[[Experiment, Sequence[str]], nn.Module]
"""An experiment and the names of its classes → its network, as `registry.build` makes it."""

_EXPERIMENT, _CLASSES, _FACTS, _WEIGHTS = "experiment.json", "classes.json", "training.json", "weights.pt"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        experiment: what was carried out.
        classes: names, by index.
        network: with the learned weights, in evaluation mode, on the CPU.
        seconds: that training took, those before an interruption included.
        device: that it ran on, e.g. "cpu" or "NVIDIA H100".
        threads: of torch, on the CPU.
        versions: of the tools that trained it.
    """

    experiment: Experiment
    classes: tuple[str, ...]
    network: nn.Module
    seconds: float
    device: str
    threads: int
    versions: dict[str, str]


def train(
    experiment: Experiment,
    classes: Sequence[str],
    samples: Samples,
    folder: Path,
    *,
    validate: Validate | None = None,
    mlflow: str | None = None,
    build: Build = registry.build,
) -> Run:
    """Carry an experiment out, or go on where an interrupted run of it stopped.

    Args:
        experiment: what to do.
        classes: names of the data set's classes, by index.
        samples: to learn from; nothing that validates or judges.
        folder: of the run.
        validate: scores the network after each epoch of the last stage, higher is better; the best epoch's weights
            are kept. None: the last epoch's.
        mlflow: tracking URI; None: no MLflow.
        build: makes the network.

    Raises:
        InvalidExperiment: it cannot be carried out, here or at all; or its loss is no number any more.
        InvalidDataset: the frames are not those that it needs, or one cannot be read.
        InvalidParameter: the folder holds another run, another process is at work in it, or it cannot be read.
        DiskFull: no space is left in the folder; repeated later, the run goes on from its last checkpoint.
    """
    checks.check(experiment, validated=validate is not None)
    settled = settle(experiment.machine)
    with storage.telling_of_full_disks(folder), claimed(folder):
        _note(folder, experiment, classes)
        if not finished(folder):
            lightning.seed_everything(experiment.seed, verbose=False)
            network = build(experiment, classes)
            lessons = _Lessons(experiment, tuple(classes), samples, Destinations(experiment, folder, mlflow), settled)
            seconds = lessons.teach_all(network, validate)
            _finish(folder, network, seconds, settled)
    return load(folder, build=build)


def load(folder: Path, *, build: Build = registry.build) -> Run:
    """Read a finished run.

    Args:
        folder: of the run.
        build: makes the network, as for `train`.

    Raises:
        InvalidParameter: the folder holds none, or one that was interrupted, or one of another version.
    """
    experiment, classes = _read(folder)
    if not finished(folder):
        raise InvalidParameter(
            f"The run in {folder} is not finished; repeat its training command to resume it.", {"field": "run"}
        )
    blank = experiment.network.model_copy(update={"weights": None})  # its first weights may be gone by now
    network = build(experiment.model_copy(update={"network": blank}), classes)
    network.load_state_dict(storage.restore(folder / _WEIGHTS))
    facts = json.loads((folder / _FACTS).read_bytes())
    return Run(experiment, classes, network.eval(), **facts)


def finished(folder: Path) -> bool:
    """Whether the folder holds a run that came to its end."""
    return (folder / _WEIGHTS).exists()


def check_same(folder: Path, experiment: Experiment, classes: Sequence[str]) -> None:
    """Whether a run in the folder, if any, may go on; with other settings of the machine, but not of anything else.

    Raises:
        InvalidParameter: the folder holds another run.
    """
    if not (folder / _EXPERIMENT).exists():
        return
    begun, known = _read(folder)
    same = begun.model_copy(update={"machine": experiment.machine}) == experiment
    if not same or known != tuple(classes):
        raise InvalidParameter(
            f"{folder} holds a run with other settings; choose another --out or remove that folder.", {"field": "out"}
        )


@dataclass(frozen=True)
class _Lessons:
    experiment: Experiment
    classes: tuple[str, ...]
    samples: Samples
    destinations: Destinations
    settled: Settled

    def teach_all(self, network: nn.Module, validate: Validate | None) -> float:
        """All stages, in order; seconds that they took.

        Only the last one makes the network whole, so only that can be validated.
        """
        seconds, held_out = 0.0, []
        for title in self.experiment.stages:
            if title == "refinement":
                for number, (learned, left_out) in enumerate(self._parts(), start=1):
                    own = copy.deepcopy(network)
                    seconds += self._teach(own, title, learned, name=f"{title}_without_part_{number}")
                    held_out.append(HeldOut(part_of(own, self.experiment, title), left_out))
            last = title == list(self.experiment.stages)[-1]
            seconds += self._teach(network, title, self.samples, held_out, validate if last else None)
        return seconds

    def _teach(
        self,
        network: nn.Module,
        title: str,
        samples: Samples,
        held_out: Sequence[HeldOut] = (),
        validate: Validate | None = None,
        name: str | None = None,
    ) -> float:
        """One stage, under its own name or another."""
        steps = self.experiment.machine.checkpoint_steps
        terms = Terms(name or title, self.destinations, self.settled, steps, validate)
        device = self.settled.device
        prepare = partial(stage_of, self.experiment, title, network, self.classes, samples, device, held_out)
        return fit(part_of(network, self.experiment, title), prepare, terms)

    def _parts(self) -> list[tuple[Samples, Samples]]:
        """For each part that the classification wants to see as new: all other samples, and those of the part."""
        last = list(self.experiment.stages.values())[-1]
        if last.bank is None or last.bank.parts is None:
            return []
        items = self.samples.items
        count = last.bank.parts
        groups, labels = [item.group for item in items], [item.label for item in items]
        places = divide(groups, labels, shares=[1.0] * count, seed=self.experiment.seed)
        whole = range(len(items))
        return [
            (ChosenSamples(self.samples, sorted(set(whole) - set(part))), ChosenSamples(self.samples, part))
            for part in places
        ]


def _note(folder: Path, experiment: Experiment, classes: Sequence[str]) -> None:
    """Write down what is carried out."""
    check_same(folder, experiment, classes)
    storage.write_whole(folder / _CLASSES, json.dumps(list(classes), ensure_ascii=False, indent=2).encode() + b"\n")
    storage.write_whole(folder / _EXPERIMENT, experiment.model_dump_json(indent=2).encode() + b"\n")


def _read(folder: Path) -> tuple[Experiment, tuple[str, ...]]:
    try:
        experiment = Experiment.model_validate_json((folder / _EXPERIMENT).read_bytes())
        return experiment, tuple(json.loads((folder / _CLASSES).read_bytes()))
    except FileNotFoundError as err:
        raise InvalidParameter(
            f"There is no run in {folder}; give a folder that `flawgate train` wrote.", {"field": "run"}
        ) from err
    except ValueError as err:
        raise InvalidParameter(
            f"{folder / _EXPERIMENT} cannot be read; train the run again with this version of Flawgate.",
            {"field": "run"},
        ) from err


def _finish(folder: Path, network: nn.Module, seconds: float, settled: Settled) -> None:
    """The weights come last: a run is finished when they are there."""
    facts = {
        "seconds": round(seconds, 1),
        "device": torch.cuda.get_device_name(0) if settled.gpu else "cpu",
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("torch", "lightning", "numpy")}
        | {"python": platform.python_version()},
    }
    storage.write_whole(folder / _FACTS, json.dumps(facts, indent=2).encode() + b"\n")
    storage.save({name: weight.contiguous() for name, weight in network.state_dict().items()}, folder / _WEIGHTS)
    shutil.rmtree(folder / "checkpoints")
