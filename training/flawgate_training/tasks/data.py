"""The frames of an experiment: read, divided, checked, and told about."""

import json
import logging
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from flawgate_contracts.errors import InvalidParameter
from flawgate_training.datasets import checks, leaks, loading, manifest
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.datasets.splits import Subsets, split
from flawgate_training.experiment.data import FileData
from flawgate_training.experiment.schema import Experiment
from flawgate_training.tasks.chosen import Chosen

_log = logging.getLogger(__name__)

_FOLDER = "data.json"
"""File of a run's folder that says where its data lie on this machine. It leaves the machine with no export."""

_MEBIBYTE = 1 << 20
_ODD_SHAPE = 1.5

_GRID = 64
"""Every network takes a multiple of it."""


@dataclass(frozen=True)
class RunData:
    """The frames of one experiment.

    Attributes:
        dataset: all of them.
        subsets: who learns, who chooses, who judges.
        train: samples to learn from.
        validation: samples that choose.
        test: samples to judge upon.
    """

    dataset: Dataset
    subsets: Subsets
    train: Samples
    validation: Samples
    test: Samples


def read(chosen: Chosen) -> RunData:
    """Index and divide the data.

    Raises:
        InvalidDataset: see `datasets.loading.load`, or a picture stands in two subsets.
    """
    experiment = chosen.experiment
    dataset = loading.load(experiment.data, chosen.data)
    for name in dataset.skipped:
        _log.warning("left out, cannot be decoded: %s", name)
    subsets = split(dataset, experiment.data)
    checks.check(dataset, subsets, experiment.task)
    leaks.find(subsets)
    memory = experiment.machine.memory_mb * _MEBIBYTE
    prepare = Preparation(experiment.steps, getattr(experiment.data, "dilation", 1))
    train, validation, test = (
        Samples(items, prepare, memory_bytes=memory // 3) for items in (subsets.train, subsets.validation, subsets.test)
    )
    return RunData(dataset, subsets, train, validation, test)


def remember(chosen: Chosen, data: RunData, folder: Path) -> None:
    """Keep beside a run what it learns from: checksums, the division, and where the files lie.

    Raises:
        InvalidDataset: the run began on other pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / manifest.NAME).exists():
        manifest.verify(folder / manifest.NAME, data.dataset)
    manifest.write(folder / manifest.NAME, data.dataset)
    _write_json(
        folder / "split.json", {name: [item.name for item in items] for name, items in data.subsets.named.items()}
    )
    if chosen.data is not None:
        _write_json(folder / _FOLDER, {"folder": str(chosen.data.resolve())})


def again(experiment: Experiment, folder: Path, given: Path | None) -> RunData:
    """The data of a finished run.

    Args:
        experiment: of the run.
        folder: of the run.
        given: folder of the data set; where the run found it, without.

    Raises:
        InvalidParameter: the folder of the data set is not known.
        InvalidDataset: the pictures are not those of the run any more.
    """
    data = read(Chosen(experiment, given or _known(experiment, folder)))
    if (folder / manifest.NAME).exists():
        manifest.verify(folder / manifest.NAME, data.dataset)
    return data


def check(chosen: Chosen) -> None:
    """Print what is in the data and how it is divided."""
    data = read(chosen)
    experiment = chosen.experiment
    table = Table(title=data.dataset.about.name)
    table.add_column("class")
    for name in data.subsets.named:
        table.add_column(name, justify="right")
    for index, name in enumerate(data.dataset.classes):
        counts = [sum(item.label == index for item in items) for items in data.subsets.named.values()]
        table.add_row(name, *map(str, counts))
    table.add_section()
    table.add_row("all", *(str(len(items)) for items in data.subsets.named.values()))
    table.add_row("defective", *(str(sum(item.defective for item in items)) for items in data.subsets.named.values()))
    Console().print(table)
    frame, known = experiment.prepared, manifest.of(data.dataset)
    typer.echo(f"{known.count} files, SHA-256 over all of them {known.sha256}.")
    typer.echo(
        f"{len({item.group for item in data.dataset.items})} groups (parts), none in two columns; no leak found."
    )
    typer.echo(f"{experiment.name} shows the network {frame.channels}×{frame.height}×{frame.width} pixels.")
    warn_of_shape(experiment, data.dataset)


def warn_of_shape(experiment: Experiment, dataset: Dataset) -> None:
    """Say it where the input distorts the frames: allowed, but seldom meant."""
    if not isinstance(experiment.data, FileData):
        return
    height, width = dataset.items[0].source.read().pixels.shape[:2]
    frame = experiment.prepared
    distortion = (width / height) / (frame.width / frame.height)
    if max(distortion, 1 / distortion) > _ODD_SHAPE:
        zoom = sqrt(frame.height * frame.width / (height * width))
        _log.warning(
            "Frames are %d×%d pixels (height × width), the input is %d×%d: shapes will be distorted. As many pixels "
            "of the right shape: a resize to %d×%d in --set steps=[...] (`flawgate experiments NAME` shows the steps).",
            *(height, width, frame.height, frame.width),
            *(max(_GRID, round(side * zoom / _GRID) * _GRID) for side in (height, width)),
        )


def _known(experiment: Experiment, folder: Path) -> Path | None:
    if not isinstance(experiment.data, FileData):
        return None
    try:
        return Path(json.loads((folder / _FOLDER).read_text(encoding="utf-8"))["folder"])
    except (OSError, ValueError, KeyError) as err:
        raise InvalidParameter(
            f"{folder} does not say where the pictures of {experiment.name} lie; give their folder with --data.",
            {"field": "data"},
        ) from err


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
