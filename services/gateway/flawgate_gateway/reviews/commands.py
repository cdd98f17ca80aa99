"""`flawgate reviews ...`: what can be learned from, taken out of a running gateway.

What works is imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

KEY_VARIABLE = "FLAWGATE_API_KEY"


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    reviews = typer.Typer(help="Reviews of inspections: export reviewed frames.", no_args_is_help=True)
    reviews.callback()(_reviews)
    reviews.command()(export)
    app.add_typer(reviews, name="reviews")


def _reviews() -> None:
    """Reviews of inspections: export reviewed frames."""


def export(
    *,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to be made; empty where it is there.", show_default=False)],
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8080",
    since: Annotated[str | None, typer.Option(help="Decided at this time or later: 2026-11-20T06:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Decided before this time.")] = None,
    station: Annotated[str | None, typer.Option(help="Of this station alone.")] = None,
    max_items: Annotated[int, typer.Option(min=1, max=10_000, help="Reviewed inspections, at most.")] = 10_000,
    key_file: Annotated[
        Path | None, typer.Option(help=f"File with an API key (scope read).  [default: {KEY_VARIABLE}]")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates of the authorities to trust (PEM).")] = None,
) -> None:
    """Fetch reviewed frames as a data set: FOLDER/good and FOLDER/defective, for `flawgate train --data FOLDER`."""
    from flawgate_gateway.reviews.fetching import fetch

    asked = {"decided_from": since, "decided_to": until, "station": station}
    query = {name: value for name, value in asked.items() if value is not None}
    fetched = fetch(
        url,
        {"recipe": recipe, "max_items": str(max_items), **query},
        out,
        api_key=_key(key_file),
        ca_file=ca_file,
    )
    say = Console(soft_wrap=True, markup=False, highlight=False).print
    files = ", ".join(f"{count} {name}" for name, count in fetched.summary["files"].items())
    if not fetched.summary["inspections"]:
        say(f"there is no review of recipe {recipe} for that; `GET /v1/recipes` names the recipes")
    say(f"{files or 'no frame'} in {out}")
    if fetched.missing:
        say(f"{len(fetched.missing)} reviewed inspections have no frame there; manifest.csv says why of each")
    if fetched.summary["truncated"]:
        say(f"there are more than {max_items}: narrow --since and --until")


def _key(file: Path | None) -> str | None:
    from flawgate_contracts.errors import InvalidParameter

    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidParameter(f"{file}, which is to hold the API key, cannot be read.") from err
