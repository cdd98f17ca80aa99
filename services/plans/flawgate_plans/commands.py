"""The subcommand `build-plans` of `flawgate`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from flawgate_plans import showing, tasks

Recipes = Annotated[list[str] | None, typer.Argument(metavar="[RECIPE]...", help="Names of recipes; all without one.")]
Repository = Annotated[Path, typer.Option(help="Folder of the model repository.", resolve_path=True)]


def register(app: typer.Typer) -> None:
    """Add the subcommand to `app`."""
    app.command("build-plans")(build_plans)


def build_plans(
    recipes: Recipes = None,
    *,
    model_repository: Repository = Path("model_repository"),
    version: Annotated[int | None, typer.Option(help="Of the one recipe named.  [default: the active]", min=1)] = None,
    trtexec: Annotated[Path | None, typer.Option(help="NVIDIA's trtexec.  [default: where its images keep it]")] = None,
    timing_cache: Annotated[
        Path | None, typer.Option(help="File of kernel timings.  [default: one in the repository]")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(help="Folder of the data set, for golden frames whose pictures are not shipped.", file_okay=False),
    ] = None,
    timeout_s: Annotated[float, typer.Option(help="Of each run of trtexec, in seconds.", min=1)] = 1800,
    device: Annotated[int, typer.Option(help="Number of the GPU, as nvidia-smi counts.", min=0)] = 0,
    again: Annotated[bool, typer.Option("--again", help="Build also where sound plans stand.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Build nothing: say what is wrong with the plans; 1 if anything is.")
    ] = False,
    pins: Annotated[bool, typer.Option("--pins", help="Show which TensorRT plans are built with.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Build TensorRT plans on this machine's GPU, prove them on golden frames, and put them into the repository."""
    tools = tasks.Tools(device, trtexec, timing_cache, timeout_s, frames)
    if pins:
        _show_pins(as_json=as_json)
    elif check:
        _check(model_repository, tools, as_json=as_json)
    else:
        outcomes = tasks.build_all(model_repository, recipes or [], version, tools, again=again)
        if as_json:
            typer.echo(json.dumps([outcome.as_dict() for outcome in outcomes], indent=2))
        else:
            showing.print_outcomes(Console(), outcomes)
        tasks.refuse(outcomes)


def _show_pins(*, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(showing.pins(), indent=2))
    else:
        showing.print_pins(Console())


def _check(repository: Path, tools: tasks.Tools, *, as_json: bool) -> None:
    found = tasks.check_all(repository, tools)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    for finding in () if as_json else found:
        Console().print(Text(finding), soft_wrap=True)
    if found:
        raise typer.Exit(1)
