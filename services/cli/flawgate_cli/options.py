"""Options that several subcommands share. Every `flawgate --help` imports them."""

import os
from pathlib import Path
from typing import Annotated

import typer

KEY_VARIABLE = "FLAWGATE_API_KEY"
"""An option would show the key to everybody who lists the machine's processes."""

PortOffset = Annotated[int, typer.Option(help="Added to every port, as with `flawgate up`.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help=f"File that holds the API key; or set {KEY_VARIABLE}.", exists=True, dir_okay=False, show_default=False
    ),
]


def api_key(file: Path | None) -> str | None:
    """The key that a file holds, or the environment; None where neither does."""
    return os.environ.get(KEY_VARIABLE) or None if file is None else file.read_text("utf-8", errors="replace").strip()
