"""Options that the subcommands on the gateway's database share. Every `flawgate --help` imports them."""

from pathlib import Path
from typing import Annotated

import typer

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        help="sqlite:///FILE or postgresql://...; better in GATEWAY_DATABASE_URL, where nobody else sees a password.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="The gateway's data folder, where its records are in SQLite and its pictures in `pictures`.",
        show_default="out/gateway",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
