"""The command line: subcommands of this package, and those that installed packages add.

A package adds subcommands by an entry point of the group `flawgate.commands`: a function that takes the Typer app.
"""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from flawgate_cli.demo.command import demo
from flawgate_cli.inspecting.command import inspect
from flawgate_cli.local_cluster.command import down, up
from flawgate_contracts.errors import FlawgateError

COMMANDS_GROUP = "flawgate.commands"

EXIT_FAILED = 1
EXIT_USAGE = 2


def create_app() -> typer.Typer:
    """The command with all its subcommands."""
    app = typer.Typer(
        name="flawgate",
        help="Factory surface inspection: inspect frames, run the cluster, train and export models.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for command in (up, down, inspect, demo):
        app.command()(command)
    for entry_point in entry_points(group=COMMANDS_GROUP):
        entry_point.load()(app)
    return app


def main() -> None:
    """Run the command; an expected error is one sentence and exit status 2."""
    try:
        create_app()()
    except FlawgateError as error:
        Console(stderr=True).print(f"[bold red]flawgate:[/] {error.message}", highlight=False)
        sys.exit(EXIT_USAGE)
