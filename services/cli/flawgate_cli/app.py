"""The command line: subcommands of this package, and those that installed packages add.

A package adds subcommands by an entry point of the group `flawgate.commands`: a function that takes the Typer app.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.console import Console
from rich.text import Text

from flawgate_cli.demo.command import demo
from flawgate_cli.doctor.command import doctor
from flawgate_cli.inspecting.command import inspect
from flawgate_cli.local_cluster.command import down, up
from flawgate_cli.model_store import command as model_store
from flawgate_cli.top.command import top
from flawgate_contracts.errors import FlawgateError, InvalidRequest

COMMANDS_GROUP = "flawgate.commands"

EXIT_FAILED = 1
EXIT_USAGE = 2
"""The command was given something that it cannot work with; Typer's own number for a wrong option."""


def create_app(extensions: Iterable[EntryPoint] | None = None) -> typer.Typer:
    """The command with all its subcommands.

    Args:
        extensions: functions that add subcommands; those that installed packages name where None.
    """
    app = typer.Typer(
        name="flawgate",
        help="Factory surface inspection: inspect frames, run the cluster, train and export models.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for command in (up, down, inspect, demo, doctor, top):
        app.command()(command)
    for extension in entry_points(group=COMMANDS_GROUP) if extensions is None else extensions:
        try:
            extension.load()(app)
        except ImportError as err:
            # Inspecting must go on where training is only half installed.
            _say(f"The subcommands of {extension.value} are missing: {err}.", "yellow")
    model_store.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an expected error is one sentence and exit status 1, or 2 where the command was wrong.

    Args:
        arguments: what stands behind `flawgate`; those of this process where None.
    """
    try:
        create_app()(arguments)
    except FlawgateError as error:
        _say(error.message, "bold red")
        sys.exit(EXIT_USAGE if isinstance(error, InvalidRequest) else EXIT_FAILED)


def _say(sentence: str, style: str) -> None:
    Console(stderr=True).print(Text.assemble(("flawgate: ", style), sentence), soft_wrap=True)
