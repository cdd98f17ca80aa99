"""Connections to the database: SQLite for one machine, PostgreSQL for a cluster, behind the same verbs."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from flawgate_contracts.errors import DiskFull, InvalidParameter, RecordsUnavailable
from flawgate_gateway.database.threads import WAIT_S, Lanes

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
POOL_SIZE = 10
READERS = 4
"""Threads that read SQLite at once."""
STATEMENT_S = 30.0
"""Longest time of one statement in PostgreSQL, in seconds."""

TLS_QUERY = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl")
"""How a URL of PostgreSQL says what encrypts its connections, in its own programs too (`pg_dump`)."""

IN_MEMORY = (None, "", ":memory:")
"""What SQLite takes for a database that ends with its connection: no place for records."""
FULL = (sqlite3.SQLITE_FULL, "53100")
"""Codes of a full disk, of SQLite and of PostgreSQL."""
READ_ONLY = "25006"
"""PostgreSQL's code for a write where nothing may be written."""

_WRITES = "flawgate_writes"

T = TypeVar("T")


class Database:
    """Gives transactions, for reading or for writing.

    `read` and `write` carry out a function: what stands in the way of every frame is written so, since SQLite then
    costs one hop to a thread, and not three a statement (docs/decisions/0015). `reading` and `writing` give a
    connection to a block that does other things between its statements.
    """

    def __init__(self, engine: AsyncEngine, lanes: Lanes | None = None) -> None:
        """A database that is not opened yet.

        Args:
            engine: of SQLite or PostgreSQL.
            lanes: over the same SQLite; None: it is PostgreSQL.
        """
        self._engine = engine
        self._writing_engine = engine.execution_options(**{_WRITES: True})  # the same connections
        self._lanes = lanes
        self.has_tables = False
        """Whether the tables are known to stand (`migrating.upgrade`); before, nothing can be read or written."""

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite, and else PostgreSQL."""
        return self._lanes is not None

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Carry out something that sees one state of the database, and writes nothing.

        Args:
            work: given the connection; perhaps run in another thread.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        self._check_tables()
        with translated():
            if self._lanes is not None:
                return await self._lanes.reading.carry_out(work)
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Carry out a transaction: all of it is written at its end, or nothing where it raises.

        Whoever is cancelled may find it written or not; after the `CancelledError`, nothing is written any more.

        Args:
            work: given the connection; perhaps run in another thread.

        Raises:
            RecordsUnavailable: the database does not answer, or is locked for too long.
            DiskFull: there is no space for it.
        """
        self._check_tables()
        with translated():
            if self._lanes is not None:
                return await self._lanes.writing.carry_out(work)
            async with self._writing_engine.begin() as connection:
                return await connection.run_sync(work)

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
                if self._lanes is not None:
                    # Waiting for a turn costs nothing; waiting in the driver polls.
                    await stack.enter_async_context(self._lanes.writing.turn())
                yield await stack.enter_async_context(self._writing_engine.begin())

    def _check_tables(self) -> None:
        if not self.has_tables:
            raise RecordsUnavailable("The records are being prepared; send the request again shortly.")

    async def close(self) -> None:
        """Let go of all connections."""
        if self._lanes is not None:
            await self._lanes.close()
        await self._engine.dispose()


def connect(url: str) -> Database:
    """A database; nothing is opened yet.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`; with
            `?sslmode=verify-full&sslrootcert=root.pem` only a server of that root is spoken to, by TLS.

    Raises:
        InvalidParameter: it is none of these.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
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
    arguments: dict[str, Any] = {"timeout": WAIT_S, "command_timeout": STATEMENT_S}
    tls = {name: url.query[name] for name in TLS_QUERY if name in url.query}
    if tls:  # asyncpg reads them in a URL alone
        arguments["dsn"] = URL.create("postgresql", query=tls).render_as_string()
    engine = create_async_engine(
        url.difference_update_query(TLS_QUERY),
        pool_size=POOL_SIZE,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,
        connect_args=arguments,
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def leave(context: ExceptionContext) -> None:
        # A server that was the primary and is a standby now keeps its connections; the new primary is elsewhere.
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True

    return engine


def _sqlite(url: URL) -> Database:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=POOL_SIZE, pool_timeout=WAIT_S)
    threaded = url.set(drivername="sqlite+pysqlite")
    writing = create_engine(threaded, pool_size=1, max_overflow=0, pool_timeout=WAIT_S)
    reading = create_engine(threaded, pool_size=READERS, max_overflow=0, pool_timeout=WAIT_S)
    for each in (engine.sync_engine, writing, reading):
        _prepare(each)
    return Database(engine, Lanes(writing.execution_options(**{_WRITES: True}), reading, readers=READERS))


def _prepare(engine: Engine) -> None:
    """Let connections of SQLite be durable, wait for locks, and begin their transactions as they are meant."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own: `begin` does
        cursor = connection.cursor()
        # FULL: what was answered outlives a power cut, too.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={WAIT_S * 1000:.0f}", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        # A transaction that first reads and then writes would fail where another wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
