"""`flawgate outbox ...`: what waits, what was given up, and replays, right in the database.

What works is imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from datetime import datetime
from typing import Annotated

import typer

from flawgate_gateway.options import DatabaseUrl, DataDir, Json

MOMENTS = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]

SinkName = Annotated[str, typer.Argument(metavar="SINK", help="The sink's name.")]


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    outbox = typer.Typer(help="Delivery of events: what waits, dead letters, replays.", no_args_is_help=True)
    outbox.command()(status)
    outbox.command("dead-letters")(dead_letters)
    outbox.command()(replay)
    app.add_typer(outbox, name="outbox")


def status(*, database_url: DatabaseUrl = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show the sinks, and what waits for them."""
    from flawgate_gateway.outbox import tasks

    tasks.status(database_url, data_dir, as_json=as_json)


def dead_letters(
    sink: SinkName,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, the newest first.")] = 100,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List the events that were given up."""
    from flawgate_gateway.outbox import tasks

    tasks.dead_letters(sink, limit, database_url, data_dir, as_json=as_json)


def replay(
    sink: SinkName,
    *,
    since: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="Events written at this moment (UTC) or later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="Events written before this moment (UTC).")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Events of this source alone, e.g. `/plants/P1/lines/L2/stations/S4`.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead-letters", help="Only events that were given up.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Bring events once more. A running gateway sees it within seconds."""
    from flawgate_gateway.outbox import tasks

    tasks.replay(sink, since, until, source, database_url, data_dir, dead=dead)
