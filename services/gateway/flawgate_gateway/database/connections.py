"""Connections to the database: SQLite for one machine, PostgreSQL for a cluster, behind the same two verbs."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from flawgate_contracts.errors import DiskFull, InvalidParameter, RecordsUnavailable

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
POOL_SIZE = 10
WAIT_S = 5.0
"""Longest wait for a connection, for a lock of SQLite, for PostgreSQL to be reached; seconds."""
STATEMENT_S = 30.0
"""Longest time of one statement in PostgreSQL, in seconds."""

IN_MEMORY = (None, "", ":memory:")
"""What SQLite takes for a database that ends with its connection: no place for records."""
FULL = (sqlite3.SQLITE_FULL, "53100")
"""Codes of a full disk, of SQLite and of PostgreSQL."""
READ_ONLY = "25006"
"""PostgreSQL's code for a write where nothing may be written."""

_WRITES = "flawgate_writes"


class Database:
    """Gives connections: for reading, or for one transaction that writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing_engine = engine.execution_options(**{_WRITES: True})  # the same connections
        # One writer at a time is all that SQLite has: waiting here costs nothing, waiting in the driver polls.
        self._writer = asyncio.Lock() if self.is_sqlite else None
        self.has_tables = False
        """Whether the tables are known to stand (`migrating.upgrade`); before, nothing can be read or written."""

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite, and else PostgreSQL."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database, and writes nothing.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        self._check_tables()
        with translated():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of the block is written at its end, or nothing.

        Raises:
            RecordsUnavailable: the database does not answer, or is locked for too long.
            DiskFull: there is no space for it.
        """
        self._check_tables()
        async with self.altering() as connection:
            yield connection

    @asynccontextmanager
    async def altering(self) -> AsyncIterator[AsyncConnection]:
        """A transaction like that of `writing`, also before the tables stand: it makes them.

        Raises:
            RecordsUnavailable: the database does not answer, or is locked for too long.
            DiskFull: there is no space for it.
        """
        with translated():
            async with AsyncExitStack() as stack:
                if self._writer is not None:
                    async with asyncio.timeout(WAIT_S):
                        await stack.enter_async_context(self._writer)
                yield await stack.enter_async_context(self._writing_engine.begin())

    def _check_tables(self) -> None:
        if not self.has_tables:
            raise RecordsUnavailable("The records are being prepared; send the request again shortly.")

    async def close(self) -> None:
        """Let go of all connections."""
        await self._engine.dispose()


def connect(url: str) -> Database:
    """A database; nothing is opened yet.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`.

    Raises:
        InvalidParameter: it is none of these.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Database(_sqlite(parsed))
    return Database(_postgresql(parsed))


@contextmanager
def translated() -> Any:
    """Raise what a database says as errors of ours."""
    try:
        yield
    except (PoolTimeout, TimeoutError, OSError) as err:
        raise _unavailable() from err
    except DBAPIError as err:
        if _code(err) in FULL:
            raise DiskFull("No space is left for the records; free some, then send the request again.") from err
        # asyncpg's errors are of no class of their own, unless they are of the statement.
        if err.connection_invalidated or isinstance(err, OperationalError) or type(err) is DBAPIError:
            raise _unavailable() from err
        raise


def _unavailable() -> RecordsUnavailable:
    """What a driver says is chained, never told: it may hold an address or a password."""
    return RecordsUnavailable("The records cannot be written or read just now; send the request again shortly.")


def _code(err: DBAPIError) -> int | str | None:
    """What SQLite, or PostgreSQL, names the error by."""
    return getattr(err.orig, "sqlite_errorcode", None) or getattr(err.orig, "sqlstate", None)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = DRIVERS[parsed.get_backend_name()]
    except (ArgumentError, NoSuchModuleError, KeyError, ValueError) as err:
        raise _no_database() from err
    if parsed.get_backend_name() == "sqlite" and parsed.database in IN_MEMORY:
        raise _no_database()
    return parsed.set(drivername=driver)


def _no_database() -> InvalidParameter:
    return InvalidParameter(
        "The URL of the database is none that is known: write sqlite:///path/records.db or "
        "postgresql://user:password@host/name.",
        {"field": "database_url"},
    )


def _postgresql(url: URL) -> AsyncEngine:
    arguments = {"timeout": WAIT_S, "command_timeout": STATEMENT_S}
    engine = create_async_engine(
        url, pool_size=POOL_SIZE, pool_timeout=WAIT_S, pool_pre_ping=True, connect_args=arguments
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def leave(context: ExceptionContext) -> None:
        # A server that was the primary and is a standby now keeps its connections; the new primary is elsewhere.
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True

    return engine


def _sqlite(url: URL) -> AsyncEngine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=POOL_SIZE, pool_timeout=WAIT_S)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own: `begin` does
        cursor = connection.cursor()
        # FULL: what was answered outlives a power cut, too.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={WAIT_S * 1000:.0f}", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        # A transaction that first reads and then writes would fail where another wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
