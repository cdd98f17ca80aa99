"""Every network of the papers, with what it takes, costs and answers: what `flawgate architectures` shows."""

import json as json_format
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from pydantic import JsonValue
from rich import box
from rich.console import Console
from rich.table import Table

from flawgate_training.architectures.architecture import Architecture
from flawgate_training.architectures.counting import Costs, count
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.experiment.schema import PAPERS, Paper, Task

_CAPTION = (
    "Input: width × height × channels of the paper. Parameters in millions: used in the forward pass, and all. "
    "GMAC: 1e9 multiplications with addition for one frame."
)


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes:
        name: of the architecture, and of the encoder where it has several.
        architecture: as experiments name it.
        options: likewise.
        paper: "a" to "e".
        title: one line for people.
        tasks: what it can be trained for.
        channels: of the paper's input.
        height: rows of the paper's input, in pixels.
        width: columns of the paper's input, in pixels.
        parameters_used: see `Count`.
        parameters: see `Count`.
        gmac: see `Count`.
        size_mb: see `Count`.
        outputs: what it answers, in words.
    """

    name: str
    architecture: str
    options: dict[str, JsonValue]
    paper: Paper
    title: str
    tasks: tuple[Task, ...]
    channels: int
    height: int
    width: int
    parameters_used: int
    parameters: int
    gmac: float
    size_mb: float
    outputs: str


def rows() -> list[Row]:
    """All networks, ordered by paper, counted at the paper's input."""
    return [
        _row(architecture, dict(options))
        for architecture in ARCHITECTURES.values()
        for options in architecture.variants
    ]


def table(rows: Sequence[Row]) -> Table:
    """The networks by paper, as a table that fits 80 columns: parameters in millions, multiplications in 1e9."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), caption=_CAPTION, caption_justify="left")
    shown.add_column("network", no_wrap=True)
    for heading in ("input", "used, M", "all, M", "GMAC"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("answers")
    for paper, of_paper in groupby(rows, lambda row: row.paper):
        shown.add_section()
        shown.add_row(f"Paper {paper}: {PAPERS[paper]}", style="bold")
        for architecture, variants in groupby(of_paper, lambda row: row.architecture):
            _add(shown, architecture, list(variants))
    return shown


def _add(shown: Table, architecture: str, variants: Sequence[Row]) -> None:
    if variants[0].options:
        shown.add_row(architecture)
    for row in variants:
        option = [f"  {name} {value}" for name, value in row.options.items()]
        shown.add_row(
            ", ".join(option) or architecture,
            f"{row.width}×{row.height}×{row.channels}",
            f"{row.parameters_used / 1e6:.3f}",
            f"{row.parameters / 1e6:.3f}",
            f"{row.gmac:.2f}",
            row.outputs,
        )


def as_json(rows: Sequence[Row]) -> str:
    """The networks as a JSON array of objects, the attributes of `Row`."""
    return json_format.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False)


def show(*, json: bool) -> None:
    """Print all networks, as a table for people or as a JSON array for programs."""
    found = rows()
    if json:
        sys.stdout.write(as_json(found) + "\n")
    else:
        Console().print(table(found))


def _row(architecture: Architecture, options: dict[str, JsonValue]) -> Row:
    costs = count(architecture, architecture.options.model_validate(options), architecture.as_in_paper())
    return Row(
        name=" ".join((architecture.name, *map(str, options.values()))),
        architecture=architecture.name,
        options=options,
        paper=architecture.paper,
        title=architecture.title,
        tasks=architecture.tasks,
        channels=architecture.channels,
        height=architecture.height,
        width=architecture.width,
        **asdict(costs.count),
        outputs=_in_words(architecture, costs),
    )


def _in_words(architecture: Architecture, costs: Costs) -> str:
    shape = costs.answers[0]
    match architecture.tasks[0]:
        case "anomaly":
            return "frame redrawn"
        case "classification":
            return f"{shape[1]} classes" if shape[1] > 1 else "defect score"
        case "segmentation":
            return f"{shape[1]} class maps" if shape[1] > 1 else "defect map"
        case "cascade":
            return f"map 1/{architecture.height // shape[2]}, score"
