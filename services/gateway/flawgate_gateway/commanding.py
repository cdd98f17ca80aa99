"""What the subcommands that work on the gateway's database share."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.table import Table

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.logs import configure_logging
from flawgate_contracts.startup import StartupError, settings_sentence
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.settings import GatewaySettings

EMPTY = (
    "The database was empty, its tables were made: a gateway works with it where its GATEWAY_DATA_DIR or "
    "GATEWAY_DATABASE_URL names the same."
)

Result = TypeVar("Result")


def with_database(
    work: Callable[[Database], Awaitable[Result]], *, database_url: str | None, data_dir: Path | None
) -> Result:
    """Work on the database of a gateway; its tables are made first, where they are not there yet.

    Args:
        work: takes the database.
        database_url: as the gateway's setting; None for what `GATEWAY_DATABASE_URL` and the others say.
        data_dir: where the gateway keeps its data; counts where no URL is given here.

    Raises:
        InvalidParameter: the database is named wrongly.
        Conflict: a newer version of the gateway made the tables.
        RecordsUnavailable: the database does not answer.
    """
    # Standard output belongs to what was asked for.
    configure_logging("flawgate", "warning")
    return asyncio.run(_work(work, _url(database_url, data_dir)))


def table(*columns: str) -> Table:
    """A table for a terminal: the first column is never broken, the others where they must be."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=number == 0)
    return made


async def _work(work: Callable[[Database], Awaitable[Result]], url: str) -> Result:
    database = connect(url)
    try:
        if await upgrade(database):
            typer.echo(EMPTY, err=True)
        return await work(database)
    finally:
        await database.close()


def _url(database_url: str | None, data_dir: Path | None) -> str:
    if database_url is not None:
        return database_url
    # A folder that is named here counts more than a URL in the environment.
    named = {} if data_dir is None else {"data_dir": data_dir, "database_url": None, "database_url_file": None}
    try:
        return gateway_settings(**named).records_url()
    except StartupError as err:
        raise InvalidParameter(str(err)) from err


def gateway_settings(**named: Any) -> GatewaySettings:
    """The settings of the gateway, as the environment says, but for those that are named.

    Raises:
        InvalidParameter: one of them is wrong.
    """
    try:
        return GatewaySettings(**named)
    except ValidationError as err:
        raise InvalidParameter(settings_sentence(GatewaySettings, err)) from err
