"""Bringing a database to the tables that this version of the gateway knows."""

from dataclasses import dataclass
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from flawgate_contracts.errors import Conflict
from flawgate_gateway.database import stream_tables, tables
from flawgate_gateway.database.connections import Database

SCRIPTS = Path(__file__).parent / "migrations"
TABLES = {table.name: table for module in (tables, stream_tables) for table in module.metadata.sorted_tables}
LOCK = 4_715_208_901
"""Number of PostgreSQL's advisory lock, held while tables are changed: gateways start side by side."""

log = structlog.get_logger(__name__)


async def upgrade(database: Database) -> bool:
    """Make or change the tables, in one transaction; nothing happens where they are up to date.

    Returns:
        Whether there were none.

    Raises:
        Conflict: a newer version of the gateway made the tables, or one that was never released.
        RecordsUnavailable: the database does not answer.
    """
    async with database.altering() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        was_empty = await connection.run_sync(_upgrade)
    database.has_tables = True
    return was_empty


@dataclass(frozen=True, slots=True)
class Standing:
    """Which tables a database has.

    Attributes:
        revision: of its tables; None: it has none.
        head: revision that this version of the gateway makes.
        known: whether this version knows the database's revision; otherwise a newer one made it.
    """

    revision: str | None
    head: str | None
    known: bool


def standing(connection: Connection) -> Standing:
    """How a database stands; changes nothing."""
    scripts = ScriptDirectory(str(SCRIPTS))
    revision = MigrationContext.configure(connection).get_current_revision()
    known = revision is None or revision in {script.revision for script in scripts.walk_revisions()}
    return Standing(revision, scripts.get_current_head(), known)


def _upgrade(connection: Connection) -> bool:
    stands = standing(connection)
    if stands.revision == stands.head:
        _check_columns(connection)
        return False
    if not stands.known:
        raise Conflict(
            f"The database has the tables of a newer Flawgate (revision {stands.revision}); start that version, or "
            "name another database.",
            {"revision": str(stands.revision)},
        )
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    log.info("tables are up to date", was=stands.revision, now=stands.head)
    return stands.revision is None


def _check_columns(connection: Connection) -> None:
    """See that the tables are those of their revision: before a release, a revision may still have been another."""
    found = inspect(connection)
    for name, table in TABLES.items():
        there = {column["name"] for column in found.get_columns(name)} if found.has_table(name) else set()
        missing = [column.name for column in table.columns if column.name not in there]
        if missing:
            raise Conflict(
                f"The database's table {name} lacks {', '.join(missing)}: it was made by a Flawgate from before the "
                "release. Name another database, or move this one away.",
                {"table": name},
            )
