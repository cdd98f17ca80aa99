"""`flawgate camera ...`: run the agent, look through its cameras, find devices; `flawgate simulate`: a made-up line.

What works is imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from flawgate_camera.simulate.command import simulate

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration, a TOML file.")]


def register(app: typer.Typer) -> None:
    """Add the subcommands of cameras."""
    cameras = typer.Typer(help="The agent beside cameras.", no_args_is_help=True)
    cameras.command()(run)
    cameras.command()(check)
    cameras.command()(sources)
    app.add_typer(cameras, name="camera")
    app.command()(simulate)


def run(
    config: ConfigFile,
    *,
    standalone: Annotated[
        Path | None,
        typer.Option(
            metavar="REPOSITORY",
            help="Judge all frames here, with the models of this folder; the gateway gets the records.",
        ),
    ] = None,
) -> None:
    """Run all cameras of CONFIG until SIGTERM, or until all their sources have ended.

    A change of the file, or SIGHUP, adds, removes and restarts only the cameras whose tables changed.
    """
    from flawgate_camera import tasks

    tasks.run(config, standalone)


def check(
    config: ConfigFile,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Open each camera of CONFIG once, and say whether it can start and what to do; exit status 1 where one cannot."""
    from flawgate_camera import tasks

    tasks.check(config, as_json=as_json)


def sources(
    *,
    producer: Annotated[
        Path | None, typer.Option(help="A GenTL producer (.cti): list its GenICam devices, too.")
    ] = None,
) -> None:
    """List the cameras that this machine sees."""
    from flawgate_camera import tasks

    tasks.sources(producer)
