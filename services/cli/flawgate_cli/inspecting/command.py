"""`flawgate inspect`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.text import Text

from flawgate_cli.inspecting.output import json_line, print_outcomes, print_summary
from flawgate_cli.inspecting.pictures import find_pictures
from flawgate_cli.inspecting.run import inspect_all
from flawgate_cli.inspecting.sending import Outcome, Sender
from flawgate_cli.options import KeyFile, api_key
from flawgate_contracts.errors import Unavailable

DEFAULT_URL = "http://127.0.0.1:8080"


def inspect(  # noqa: PLR0913, PLR0917  # one parameter for each option of the command
    files: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures.", metavar="FILE...")],
    recipe: Annotated[str, typer.Option(help="Name of the recipe, see GET /v1/recipes.")],
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = DEFAULT_URL,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,  # noqa: FBT002
    overlays: Annotated[Path | None, typer.Option(help="Folder to write overlays into.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Frames sent at once.")] = 2,
    retries: Annotated[int, typer.Option(min=0, max=20, help="Tries more, where the gateway says it may help.")] = 3,
    station: Annotated[str | None, typer.Option(help="Station, for the record.")] = None,
    lot: Annotated[str | None, typer.Option(help="Lot, for the record.")] = None,
    key_file: KeyFile = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="Certificates to trust, where the gateway's is the factory's own.", exists=True, dir_okay=False
        ),
    ] = None,
) -> None:
    """Inspect pictures with a running gateway. Exit status 0 when all were evaluated, 1 when any was not."""
    pictures = find_pictures(files)
    sender = Sender(url, recipe, station=station, lot=lot, api_key=api_key(key_file), ca_file=ca_file, retries=retries)
    outcomes: list[Outcome] = []
    missing: list[str] = []
    console = Console(stderr=True)
    try:
        running = inspect_all(pictures, sender.inspect_file, concurrency=concurrency)
        shown = track(
            running,
            "Inspecting",
            total=len(pictures),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        for outcome in shown:
            outcomes.append(outcome)
            if as_json:
                print(json_line(outcome), flush=True)  # noqa: T201  # the program's output
            if overlays is not None:
                missing += _save_overlay(sender, outcome, overlays)
    finally:
        sender.close()
    if not as_json:
        print_outcomes(Console(), outcomes, title=f"{recipe} at {url}")
        print_summary(Console(), outcomes)
    for sentence in missing:
        console.print(Text(sentence, "bold red"), soft_wrap=True)
    if missing or any(outcome.inspection is None for outcome in outcomes):
        sys.exit(1)


def _save_overlay(sender: Sender, outcome: Outcome, folder: Path) -> list[str]:
    """Why there is no overlay of an inspection, in a sentence; empty when it was written, or there is none to write."""
    if outcome.inspection is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    name = outcome.name.strip("/").replace("/", "_")
    try:
        (folder / f"{name}.overlay.png").write_bytes(sender.overlay(outcome.inspection))
    except Unavailable as error:
        return [f"{outcome.name}: {error.message}"]
    return []
