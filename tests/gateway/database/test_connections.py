import pytest
from sqlalchemy import insert, text
from support.postgres import PostgresServer

from flawgate_contracts.errors import DiskFull, InvalidParameter, RecordsUnavailable
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.database.tables import leases

FULL = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"


async def write(database: Database, name: str) -> None:
    """Write a row."""
    async with database.writing() as connection:
        await connection.execute(insert(leases).values(name=name, owner="a", until_us=7))


async def test_a_primary_that_became_a_standby_is_left(postgres: PostgresServer) -> None:
    """One write is refused, to be sent again; the next goes over a new connection, to whoever is the primary now."""
    database = connect(postgres.new_database())
    await upgrade(database)
    async with database.reading() as connection:
        await connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        await connection.commit()
    with pytest.raises(RecordsUnavailable):
        await write(database, "first")
    await write(database, "second")
    await database.close()


async def test_a_full_disk_of_postgresql_is_told_as_one(postgres: PostgresServer) -> None:
    """Its own error, as that of SQLite: somebody must free space."""
    database = connect(postgres.new_database())
    await upgrade(database)
    with pytest.raises(DiskFull):
        async with database.writing() as connection:
            await connection.execute(text(FULL))
    await database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/records", "records.db"])
def test_a_url_of_no_lasting_database_is_refused(url: str) -> None:
    """The sentence says how one is written."""
    with pytest.raises(InvalidParameter, match=r"sqlite:///path/records\.db"):
        connect(url)
