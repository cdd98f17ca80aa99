"""What `flawgate outbox` does."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_gateway.commanding import table, with_database
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, to_us
from flawgate_gateway.outbox.desk import ListedSink, SinkDesk
from flawgate_gateway.outbox.inventory import DeadLetter
from flawgate_gateway.outbox.replaying import Selection
from flawgate_gateway.outbox.sinks import Sinks

MOMENT = "%Y-%m-%d %H:%M:%S"

Result = TypeVar("Result")


def status(database_url: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Print how each sink stands that events were ever written for."""
    sinks = _ask(lambda desk: desk.listed(), database_url, data_dir)
    if as_json:
        typer.echo(json.dumps([asdict(listed.backlog) for listed in sinks], indent=2, ensure_ascii=False))
    elif not sinks:
        typer.echo("No event was written for any sink yet; docs/events.md says how to configure one.")
    else:
        Console().print(_status_table(sinks))


def dead_letters(sink: str, limit: int, database_url: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Print the events that were given up."""
    letters = _ask(lambda desk: desk.dead_letters(sink, before=None, limit=limit), database_url, data_dir)
    if as_json:
        typer.echo(json.dumps([asdict(letter) for letter in letters], indent=2, ensure_ascii=False))
    elif not letters:
        typer.echo(f"No event for the sink {sink} was given up.")
    else:
        Console().print(_letters_table(letters))


def replay(
    sink: str,
    since: datetime | None,
    until: datetime | None,
    source: str | None,
    database_url: str | None,
    data_dir: Path | None,
    *,
    dead: bool,
) -> None:
    """Make deliveries pending again, and say how many."""
    selection = Selection(_us(since), _us(until), source, dead_only=dead)
    events = _ask(lambda desk: desk.replay(sink, selection), database_url, data_dir)
    typer.echo(f"{events} events will be brought to {sink} once more.")


def _ask(work: Callable[[SinkDesk], Awaitable[Result]], database_url: str | None, data_dir: Path | None) -> Result:
    """Work at the desk over the database that is named; which sinks are configured, it need not know."""

    async def at_desk(database: Database) -> Result:
        return await work(SinkDesk(database, Sinks(), lambda: None))

    return with_database(at_desk, database_url=database_url, data_dir=data_dir)


def _status_table(sinks: Sequence[ListedSink]) -> Table:
    shown = table("sink", "pending", "oldest", "dead", "last error")
    for listed in sinks:
        backlog = listed.backlog
        waited = f"{backlog.oldest_age_s:.0f} s" if backlog.pending else ""
        dead = Text(str(backlog.dead), "red" if backlog.dead else "")
        shown.add_row(backlog.sink, str(backlog.pending), waited, dead, Text(backlog.last_error or ""))
    return shown


def _letters_table(letters: Sequence[DeadLetter]) -> Table:
    shown = table("event", "source", "sequence", "written (UTC)", "attempts", "last error")
    for letter in letters:
        written = from_us(letter.created_at_us).strftime(MOMENT)
        said = Text(letter.last_error or "")
        shown.add_row(letter.event_id, Text(letter.source), str(letter.sequence), written, str(letter.attempts), said)
    return shown


def _us(moment: datetime | None) -> int | None:
    """A moment as typed: UTC."""
    return None if moment is None else to_us(moment.replace(tzinfo=UTC))
