"""`flawgate models push` and `pull`; the other subcommands of `flawgate models` are the decision service's."""

# ruff: noqa: PLC0415 - the client of an object store is imported when a command runs, so that --help stays quick

from pathlib import Path
from typing import Annotated

import typer

GROUP = "models"
URL_VARIABLE = "FLAWGATE_MODEL_STORE"

MAX_BYTES = 50 * 1024**3

Store = Annotated[
    str,
    typer.Argument(
        envvar=URL_VARIABLE,
        help="Where the models are kept, s3://bucket/prefix; keys and endpoint come from AWS_ variables.",
        show_default=False,
    ),
]
Repository = Annotated[Path, typer.Option(help="Folder of the models and recipes.")]

_REPOSITORY = Path("model_repository")


def register(app: typer.Typer) -> None:
    """Add the subcommands to the group `models`, which is made where no package did so before."""
    known = [each.typer_instance for each in app.registered_groups if each.name == GROUP and each.typer_instance]
    models = known[0] if known else typer.Typer(help="Models and recipes.", no_args_is_help=True)
    models.command()(push)
    models.command()(pull)
    if not known:
        app.add_typer(models, name=GROUP)


def push(
    store: Store,
    *,
    model_repository: Repository = _REPOSITORY,
    replace: Annotated[bool, typer.Option("--replace", help="Take out of the store what the folder lacks.")] = False,
) -> None:
    """Put recipes, their models and which version is in force into an object store."""
    from flawgate_cli.model_store import tasks

    tasks.push(store, model_repository, replace=replace)


def pull(
    store: Store,
    *,
    model_repository: Repository = _REPOSITORY,
    max_bytes: Annotated[int, typer.Option(min=1, help="Most that all files together may have.")] = MAX_BYTES,
) -> None:
    """Get recipes and models from an object store, every file checked; what is here and whole stays."""
    from flawgate_cli.model_store import tasks

    tasks.pull(store, model_repository, max_bytes=max_bytes)
