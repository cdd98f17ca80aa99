"""Whether the database answers, and has the tables that this version works with. Only reads."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from flawgate_contracts.checkup.findings import Finding, Place, error, ok, skipped, warning
from flawgate_contracts.errors import InvalidParameter, RecordsUnavailable
from flawgate_contracts.startup import StartupError
from flawgate_gateway.checkup.places import WRONG, settings_of
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import Standing, standing
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import evidence, inspections

DAY_US = 24 * 3600 * 1_000_000

T = TypeVar("T")


class NoRecordsError(Exception):
    """There is no database yet."""


def look(place: Place) -> Iterator[Finding]:
    """Whether a gateway can work with the database."""
    settings = settings_of(place)
    if settings is None:
        yield skipped(WRONG)
        return
    try:
        url = settings.records_url()
        where = _shown(url)
        yield judged(read(url, standing), where)
    except NoRecordsError:
        yield skipped(f"There is no database at {where} yet; the first start of the gateway makes it.")
    except StartupError as err:
        yield error(str(err), "Let GATEWAY_DATABASE_URL_FILE name a file that the gateway's user may read.")
    except (RecordsUnavailable, sqlite3.Error, DBAPIError) as err:
        cause = getattr(err.__cause__ or err, "orig", None) or err.__cause__ or err
        why = f"The database {where} cannot be read ({type(cause).__name__})."
        yield error(why, "Start it, and check host, name, user and password in the URL; a damaged file: restore it.")


def kept(url: str) -> tuple[int, int]:
    """Bytes of all pictures kept, and of those of the last 24 hours.

    Raises:
        NoRecordsError: there is no database.
        RecordsUnavailable: it does not answer; so do DBAPIError and sqlite3.Error.
    """
    return read(url, _kept)


def read(url: str, work: Callable[[Connection], T]) -> T:
    """Carry out something that reads.

    Raises:
        NoRecordsError: it is SQLite, and the file is not there.
        InvalidParameter: the URL is none.
        RecordsUnavailable: it does not answer; of SQLite, DBAPIError and sqlite3.Error.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        return asyncio.run(_read_server(url, work))
    path = Path(str(parsed.database))
    if not path.exists():
        raise NoRecordsError
    # Not even the file's journal mode is changed, as `connect` would.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))
    try:
        with engine.connect() as connection:
            return work(connection)
    finally:
        engine.dispose()


async def _read_server(url: str, work: Callable[[Connection], T]) -> T:
    database = connect(url)
    database.has_tables = True
    try:
        return await database.read(work)
    finally:
        await database.close()


def judged(stands: Standing, where: str) -> Finding:
    """Whether this version of the gateway works with the tables.

    Args:
        stands: how the database stands.
        where: names it at the beginning of a sentence.
    """
    if stands.revision is None:
        return ok(f"{where} answers and is empty; the gateway makes its tables at its start.")
    if not stands.known:
        newer = f"{where} has the tables of a newer Flawgate (revision {stands.revision})."
        return error(newer, "Start that version of the gateway, or name another database.")
    if stands.revision != stands.head:
        older = f"{where} has the tables of an older Flawgate (revision {stands.revision}, this has {stands.head})."
        return warning(older, "Back it up and start the gateway: it brings the tables up to date.")
    return ok(f"{where} answers and has this version's tables (revision {stands.head}).")


def _kept(connection: Connection) -> tuple[int, int]:
    here = evidence.c.purged_at_us.is_(None)
    everything = select(func.coalesce(func.sum(evidence.c.stored_bytes), 0))
    lately = everything.join(inspections, inspections.c.id == evidence.c.inspection_id).where(
        inspections.c.decided_at_us >= now_us() - DAY_US
    )
    return int(connection.scalar(everything.where(here)) or 0), int(connection.scalar(lately) or 0)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidParameter(
            "The URL of the database is none: write sqlite:///path/records.db or postgresql://user:password@host/name.",
            {"field": "database_url"},
        ) from None


def _shown(url: str) -> str:
    """Where the database is, without user, password and parameters."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    return f"{parsed.get_backend_name()} {parsed.host or 'localhost'}:{parsed.port or 5432}/{parsed.database or ''}"
