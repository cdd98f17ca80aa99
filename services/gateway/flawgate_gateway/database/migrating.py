"""Bringing a database to the tables that this version of the gateway knows."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from flawgate_contracts.errors import Conflict
from flawgate_gateway.database.connections import Database

SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 4_715_208_901
"""Number of PostgreSQL's advisory lock, held while tables are changed: gateways start side by side."""

log = structlog.get_logger(__name__)


async def upgrade(database: Database) -> bool:
    """Make or change the tables, in one transaction; nothing happens where they are up to date.

    Returns:
        Whether there were none.

    Raises:
        Conflict: a newer version of the gateway made the tables.
        RecordsUnavailable: the database does not answer.
    """
    async with database.altering() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        was_empty = await connection.run_sync(_upgrade)
    database.has_tables = True
    return was_empty


def _upgrade(connection: Connection) -> bool:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    stands, wanted = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if stands == wanted:
        return False
    if stands is not None and stands not in {script.revision for script in scripts.walk_revisions()}:
        raise Conflict(
            f"The database has the tables of a newer Flawgate (revision {stands}); start that version, or name another "
            "database.",
            {"revision": stands},
        )
    command.upgrade(config, "head")
    log.info("tables are up to date", was=stands, now=wanted)
    return stands is None
