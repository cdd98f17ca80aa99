"""The experiments as a table, or one of them whole."""

import json

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import PAPERS, Experiment


def show(name: str | None, *, as_json: bool) -> None:
    """Print all experiments, or one as YAML (or JSON), ready to be copied into a file of one's own.

    Args:
        name: the one; all where None.
        as_json: for programs.

    Raises:
        InvalidExperiment: there is none of that name.
    """
    if name is not None:
        experiment = loading.load(name)
        typer.echo(experiment.model_dump_json(indent=2) if as_json else loading.as_yaml(experiment), nl=as_json)
        return
    experiments = [loading.load(each) for each in loading.names()]
    if as_json:
        typer.echo(json.dumps([_row(experiment) for experiment in experiments], indent=2, ensure_ascii=False))
    else:
        Console().print(table(experiments))


def table(experiments: list[Experiment]) -> Table:
    """One row per experiment, by paper."""
    made = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        caption="flawgate experiments NAME shows one; flawgate train NAME runs it",
    )
    for heading in ("experiment", "task", "what"):
        made.add_column(heading, no_wrap=heading != "what")
    for paper in (*PAPERS, None):
        made.add_row(f"Paper {paper}: {PAPERS[paper]}" if paper else "Ours", style="bold")
        for experiment in experiments:
            if experiment.paper == paper:
                made.add_row(f"  {experiment.name}", experiment.task, _what(experiment))
        made.add_section()
    return made


def _what(experiment: Experiment) -> str:
    """The title, without what the paper inspects: that stands above."""
    _, _, rest = experiment.title.partition(", ")
    return rest if rest and experiment.paper else experiment.title


def _row(experiment: Experiment) -> dict[str, str | None]:
    return {
        "name": experiment.name,
        "paper": experiment.paper,
        "task": experiment.task,
        "architecture": experiment.network.architecture,
        "data": experiment.data.kind,
        "title": experiment.title,
    }
