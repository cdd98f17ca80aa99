"""The subcommands that the decision service adds to `flawgate`: `flawgate models ...`.

Model servers and tables are imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

Repository = Annotated[Path, typer.Option(help="Folder of the models and recipes.")]
Name = Annotated[str, typer.Argument(help="Name of the recipe.")]
Triton = Annotated[str, typer.Option(help="Triton's gRPC address, host:port.")]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Change the files only: nothing serves them now, or ONNX Runtime within decision."),
]
Frames = Annotated[
    Path | None,
    typer.Option(help="Folder of the data set, for golden frames whose pictures are not shipped.", show_default=False),
]
Unchecked = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Why to go on where no golden frame can be checked.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

_REPOSITORY = Path("model_repository")
_TRITON = "127.0.0.1:8001"


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    models = typer.Typer(help="Versions of recipes: list, put in force, take back, remove.", no_args_is_help=True)
    models.command("list")(list_recipes)
    for command in (show, promote, rollback, prune):
        models.command()(command)
    app.add_typer(models, name="models")


def list_recipes(*, model_repository: Repository = _REPOSITORY, as_json: Json = False) -> None:
    """List the recipes and their versions."""
    from flawgate_decision.promotion import tasks

    tasks.list_recipes(model_repository, as_json=as_json)


def show(name: Name, *, model_repository: Repository = _REPOSITORY, as_json: Json = False) -> None:
    """Show a recipe: versions, digests, golden frames, what was put in force when."""
    from flawgate_decision.promotion import tasks

    tasks.show(model_repository, name, as_json=as_json)


def promote(
    name: Name,
    version: Annotated[
        int | None, typer.Argument(min=1, help="Version to put in force; the newest where none.", show_default=False)
    ] = None,
    *,
    model_repository: Repository = _REPOSITORY,
    triton: Triton = _TRITON,
    offline: Offline = False,
    frames: Frames = None,
    unchecked: Unchecked = None,
) -> None:
    """Put a version in force, if it judges its golden frames as it must. No frame in flight is lost."""
    from flawgate_decision.promotion import tasks

    tasks.promote(tasks.Target(model_repository, triton, offline, frames, unchecked), name, version)


def rollback(
    name: Name,
    *,
    model_repository: Repository = _REPOSITORY,
    triton: Triton = _TRITON,
    offline: Offline = False,
    frames: Frames = None,
) -> None:
    """Put the version in force that was before."""
    from flawgate_decision.promotion import tasks

    tasks.rollback(tasks.Target(model_repository, triton, offline, frames, None), name)


def prune(
    name: Annotated[str | None, typer.Argument(help="Name of the recipe; all where none.", show_default=False)] = None,
    *,
    model_repository: Repository = _REPOSITORY,
    keep: Annotated[int, typer.Option(min=0, help="Newest versions that stay beside the active one.")] = 2,
    everything: Annotated[
        bool, typer.Option("--all", help="Keep the active version only, not even the one that a rollback goes to.")
    ] = False,
) -> None:
    """Remove old versions, and what killed exports left behind."""
    from flawgate_decision.promotion import tasks

    tasks.prune(model_repository, name, keep=keep, everything=everything)
