"""What `flawgate keys` does."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.facts import KeyFacts, MadeKey
from flawgate_gateway.access.keys import ApiKey, KeyBook, KeyOrder
from flawgate_gateway.commanding import table, with_database
from flawgate_gateway.database.connections import Database

PAGE = 1000
DAY = "%Y-%m-%d %H:%M"
KEEP = "The key is on standard output. It is shown this once: keep it safe, and give it to its holder alone."

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the keys are; None for what the environment says."""

    database_url: str | None
    data_dir: Path | None

    def ask(self, work: Callable[[KeyBook], Awaitable[Result]]) -> Result:
        """Work on the keys there."""

        async def on_keys(database: Database) -> Result:
            return await work(KeyBook(database))

        return with_database(on_keys, database_url=self.database_url, data_dir=self.data_dir)


def create(
    name: str, scopes: Sequence[Scope], days: float | None, requests_per_s: float | None, place: Place, *, as_json: bool
) -> None:
    """Make a key and print it, once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    order = KeyOrder(name, frozenset(scopes), expires_at, requests_per_s)
    key, text = place.ask(lambda keys: keys.create(order))
    if as_json:
        typer.echo(MadeKey.with_text(key, text).model_dump_json(indent=2))
        return
    said = Console(stderr=True, highlight=False)
    said.print(Text(f"Made the key {key.id} for {key.name}: {', '.join(sorted(key.scopes))}."), soft_wrap=True)
    said.print(Text(KEEP, "bold"), soft_wrap=True)
    # Alone, so that it can be sent into a file.
    typer.echo(text.reveal())


def list_keys(place: Place, *, as_json: bool) -> None:
    """Print all keys, without their secrets."""
    keys = place.ask(_all)
    if as_json:
        typer.echo(json.dumps([KeyFacts.of(key).model_dump(mode="json") for key in keys], indent=2, ensure_ascii=False))
    elif not keys:
        typer.echo("There is no key; make one with `flawgate keys create`.")
    else:
        Console().print(_table(keys))


def revoke(key_id: str, place: Place, *, as_json: bool) -> None:
    """End a key, and say so."""
    key = place.ask(lambda keys: keys.revoke(key_id))
    if as_json:
        typer.echo(KeyFacts.of(key).model_dump_json(indent=2))
    else:
        typer.echo(f"The key {key.id} ({key.name}) is revoked; running gateways refuse it within seconds.")


async def _all(keys: KeyBook) -> list[ApiKey]:
    found: list[ApiKey] = []
    while page := await keys.listed(after=found[-1].id if found else None, limit=PAGE):
        found += page
    return found


def _table(keys: Sequence[ApiKey]) -> Table:
    shown = table("id", "name", "scopes", "requests/s", "made (UTC)", "state")
    for key in keys:
        rate = "default" if key.requests_per_s is None else f"{key.requests_per_s:g}"
        made = key.created_at.strftime(DAY)
        shown.add_row(key.id, Text(key.name), ", ".join(sorted(key.scopes)), rate, made, _state(key))
    return shown


def _state(key: ApiKey) -> Text:
    if key.revoked_at is not None:
        return Text(f"revoked {key.revoked_at.strftime(DAY)}", "red")
    if key.expires_at is None:
        return Text("good", "green")
    if key.expires_at <= datetime.now(UTC):
        return Text(f"expired {key.expires_at.strftime(DAY)}", "red")
    return Text(f"good until {key.expires_at.strftime(DAY)}", "green")
