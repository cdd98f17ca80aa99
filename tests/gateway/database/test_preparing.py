from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from sqlalchemy import text
from support.postgres import PostgresServer, postgres_server
from support.webhook_receiver import until

from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.database.preparing import answers, prepared_database


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    with postgres_server() as server:
        yield server


async def revise(url: str, revision: str) -> None:
    """Let the tables say that another version of the gateway made them."""
    database = connect(url)
    async with database.altering() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await database.close()


async def test_tables_of_a_newer_version_are_told_also_when_the_database_comes_late(
    server: PostgresServer, logs: list[MutableMapping[str, Any]]
) -> None:
    """The gateway that waited for it says why it is not ready, and goes on by itself once that is mended."""
    url = server.new_database()
    database = connect(url)
    await upgrade(database)
    await database.close()
    await revise(url, "9999")
    server.stop()
    async with prepared_database(url) as late:
        server.start()
        await until(lambda: any("newer Flawgate" in line.get("detail", "") for line in logs))
        assert not await answers(late)
        await revise(url, "0001")
        await until(lambda: late.has_tables)
        assert await answers(late)
