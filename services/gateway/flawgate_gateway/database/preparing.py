"""The database at the start of a gateway: awaited in the background, so that the gateway can say that it is missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import text

from flawgate_contracts.errors import Conflict, FlawgateError
from flawgate_contracts.startup import StartupError
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade

AGAIN_S = 2.0
"""Seconds between two tries to reach a database that is down at the start."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def prepared_database(url: str) -> AsyncIterator[Database]:
    """A database, and its tables as soon as it answers; closed at the end of the block.

    Raises:
        StartupError: the URL is none, or a newer version of the gateway made the tables.
    """
    try:
        database = connect(url)
    except FlawgateError as err:
        raise StartupError(err.message) from err
    preparing: asyncio.Task[None] | None = None
    try:
        if not await _prepared(database):
            preparing = asyncio.ensure_future(_prepare(database))
        yield database
    finally:
        if preparing is not None:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
        await database.close()


async def answers(database: Database) -> bool:
    """Whether records can be read."""
    try:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))
    except FlawgateError:
        return False
    return True


async def _prepared(database: Database) -> bool:
    try:
        await upgrade(database)
    except Conflict as err:
        raise StartupError(err.message) from err
    except FlawgateError as err:
        log.warning("the records cannot be reached", reason=err.reason)
        return False
    return True


async def _prepare(database: Database) -> None:
    """Until it is done. What would have ended the start is told again and again instead: the gateway runs by now."""
    while True:
        await asyncio.sleep(AGAIN_S)
        try:
            if await _prepared(database):
                return
        except StartupError as err:
            log.warning("the records cannot be used", detail=str(err))
        except Exception:
            log.exception("the tables cannot be made")
