import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update

from flawgate_contracts.errors import Conflict
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.database.tables import leases, metadata


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    """A column that stands in the code alone, or in a migration alone, is found."""
    async with database.reading() as connection:
        assert await connection.run_sync(_differences) == []


async def test_tables_that_stand_are_left_alone(database: Database) -> None:
    """A second start keeps what was written."""
    async with database.writing() as connection:
        await connection.execute(insert(leases).values(name="purge", owner="a", until_us=7))
    await upgrade(database)
    async with database.reading() as connection:
        assert list((await connection.execute(select(leases.c.until_us))).scalars()) == [7]


async def test_gateways_that_start_together_make_the_tables_once(database_url: str) -> None:
    """Neither fails, and the tables stand."""
    several = [connect(database_url) for _ in range(3)]
    await asyncio.gather(*(upgrade(each) for each in several))
    async with several[0].reading() as connection:
        assert list((await connection.execute(select(leases))).all()) == []
    for each in several:
        await each.close()


async def test_tables_of_a_newer_version_are_refused(database: Database) -> None:
    """An old gateway does not write into tables that it does not know."""
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="newer Flawgate"):
        await upgrade(database)


async def test_tables_that_lack_a_column_are_refused(database: Database) -> None:
    """They have the revision's number, and were made before it was whole: each inspection would fail later."""
    async with database.writing() as connection:
        await connection.execute(text("ALTER TABLE reviews RENAME COLUMN reviewer TO somebody"))
    with pytest.raises(Conflict, match="table reviews lacks reviewer"):
        await upgrade(database)


async def test_a_transaction_that_fails_writes_nothing(database: Database) -> None:
    """What was written before the error is gone with it."""

    async def write_and_fail() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(leases).values(name="purge", owner="a", until_us=7))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    async with database.reading() as connection:
        assert list((await connection.execute(select(leases))).all()) == []


async def test_transactions_that_read_and_write_do_not_lose_each_other(database: Database) -> None:
    """Twenty at once, each adding 1 to what it locked and read, add 20."""
    async with database.writing() as connection:
        await connection.execute(insert(leases).values(name="count", owner="a", until_us=0))

    async def add_one() -> None:
        async with database.writing() as connection:
            locked = select(leases.c.until_us).where(leases.c.name == "count").with_for_update()
            stands = (await connection.execute(locked)).scalar_one()
            await connection.execute(update(leases).values(until_us=stands + 1))

    await asyncio.gather(*(add_one() for _ in range(20)))
    async with database.reading() as connection:
        assert (await connection.execute(select(leases.c.until_us))).scalar_one() == 20
