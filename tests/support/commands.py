"""What the command `flawgate` understands by its arguments."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from flawgate_cli.app import create_app


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """The options of the subcommand that is named; what it does not know is refused. Nothing is run."""
    rest = list(arguments)
    context = get_command(create_app()).make_context("flawgate", rest.copy())
    while isinstance(command := context.command, TyperGroup):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        context = found.make_context(name, rest.copy(), parent=context)
    return context.params
