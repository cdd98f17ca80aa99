"""Transactions that are functions: `Database.write` and `Database.read`."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select, text

from flawgate_contracts.errors import DiskFull, RecordsUnavailable
from flawgate_gateway.database.connections import READERS, Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.database.tables import leases

PAUSE_S = 0.5


class Held:
    """Work that writes a row, and goes on when it is let."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._entered = threading.Event()
        self._let = threading.Event()

    def __call__(self, connection: Connection) -> None:
        """The work."""
        add(connection, self._name)
        self._entered.set()
        assert self._let.wait(10)

    async def entered(self) -> None:
        """Wait until the work is under way."""
        assert await asyncio.to_thread(self._entered.wait, 10)

    def let(self) -> None:
        """Let it end."""
        self._let.set()


@pytest_asyncio.fixture
async def records(tmp_path: Path) -> AsyncIterator[Database]:
    """A database of SQLite, `records.db`."""
    database = connect(f"sqlite:///{tmp_path / 'records.db'}")
    await upgrade(database)
    yield database
    await database.close()


def add(connection: Connection, name: str) -> None:
    """Write a row."""
    connection.execute(insert(leases), {"name": name, "owner": "a", "until_us": 7})


def names(connection: Connection) -> list[str]:
    """Of all rows."""
    return list(connection.scalars(select(leases.c.name).order_by(leases.c.name)))


def add_slowly(connection: Connection) -> None:
    """Write a row half a second before the transaction ends."""
    add(connection, "slow")
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_sleep({PAUSE_S})"))
    else:
        time.sleep(PAUSE_S)


def add_and_fail(connection: Connection) -> None:
    """Write a row in a transaction that fails."""
    add(connection, "lost")
    raise ZeroDivisionError


async def test_what_is_written_is_read(database: Database) -> None:
    """Both verbs give what the work gives."""

    def add_and_look(connection: Connection) -> list[str]:
        add(connection, "a")
        return names(connection)

    assert await database.write(add_and_look) == ["a"]
    assert await database.read(names) == ["a"]


async def test_work_that_raises_writes_nothing(database: Database) -> None:
    """Its error comes as it is, and the next work finds the database as it was."""
    with pytest.raises(ZeroDivisionError):
        await database.write(add_and_fail)
    await database.write(partial(add, name="kept"))
    assert await database.read(names) == ["kept"]


async def test_what_a_read_writes_is_not_kept(database: Database) -> None:
    """A read ends without a commit."""
    await database.read(partial(add, name="lost"))
    assert await database.read(names) == []


async def test_before_the_tables_stand_nothing_is_carried_out(tmp_path: Path) -> None:
    """Both verbs ask for another try."""
    database = connect(f"sqlite:///{tmp_path / 'records.db'}")
    for carry_out in (database.read, database.write):
        with pytest.raises(RecordsUnavailable, match="being prepared"):
            await carry_out(names)
    await database.close()


async def test_many_at_once_are_all_carried_out(database: Database) -> None:
    """Writers have their turns one after the other, and readers beyond the threads wait for theirs."""
    numbered = [f"{number:02d}" for number in range(30)]
    await asyncio.gather(*(database.write(partial(add, name=name)) for name in numbered))
    assert [numbered] * (2 * READERS) == await asyncio.gather(*(database.read(names) for _ in range(2 * READERS)))


async def test_after_a_cancellation_nothing_is_written_any_more(database: Database) -> None:
    """Whether the row is there or not: so it stays."""
    writing = asyncio.ensure_future(database.write(add_slowly))
    await asyncio.sleep(PAUSE_S / 2)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    found = await database.read(names)
    await asyncio.sleep(PAUSE_S)
    assert found == await database.read(names)


async def test_the_turn_is_the_threads_until_it_ends(records: Database) -> None:
    """A caller who is cancelled, even twice, waits for the thread; so does the next writer, and both rows are there."""
    held = Held("first")
    first = asyncio.ensure_future(records.write(held))
    await held.entered()
    second = asyncio.ensure_future(records.write(partial(add, name="second")))
    for _ in range(2):
        first.cancel()
        await asyncio.sleep(0.1)
    assert (first.done(), second.done()) == (False, False)
    held.let()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert await records.read(names) == ["first", "second"]


async def test_whoever_is_cancelled_before_its_turn_goes_at_once(records: Database) -> None:
    """Nothing of its work is done, then or later."""
    held = Held("first")
    first = asyncio.ensure_future(records.write(held))
    await held.entered()
    second = asyncio.ensure_future(records.write(partial(add, name="second")))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    held.let()
    await first
    assert await records.read(names) == ["first"]


async def test_a_block_and_work_take_turns_at_writing(records: Database) -> None:
    """Work waits for the end of a block that writes, instead of meeting its lock."""
    async with records.writing() as connection:
        await connection.run_sync(add, "block")
        work = asyncio.ensure_future(records.write(partial(add, name="work")))
        await asyncio.sleep(0.1)
        assert not work.done()
    await work
    assert await records.read(names) == ["block", "work"]


async def test_readers_wait_for_neither_a_writer_nor_its_thread(records: Database) -> None:
    """While a transaction writes, what was written before is read."""
    held = Held("first")
    first = asyncio.ensure_future(records.write(held))
    await held.entered()
    assert await records.read(names) == []
    held.let()
    await first


async def test_closing_waits_for_what_is_under_way(tmp_path: Path) -> None:
    """No thread is left behind, and what it wrote is there."""
    url = f"sqlite:///{tmp_path / 'records.db'}"
    database, held = connect(url), Held("first")
    await upgrade(database)
    writing = asyncio.ensure_future(database.write(held))
    await held.entered()
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0.1)
    assert not closing.done()
    held.let()
    await asyncio.gather(writing, closing)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("records-")]
    again = connect(url)
    await upgrade(again)
    assert await again.read(names) == ["first"]
    await again.close()


async def test_a_full_disk_of_sqlite_is_told_as_one(records: Database) -> None:
    """Nothing of the transaction is written."""

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no more than there are
        for number in range(1_000):
            add(connection, f"{number:0128d}")

    with pytest.raises(DiskFull):
        await records.write(fill)
    assert await records.read(names) == []


async def test_a_file_that_another_process_locks_is_unavailable(records: Database, tmp_path: Path) -> None:
    """The wait for its lock is bounded, and the next work is carried out when it is gone."""
    await records.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordsUnavailable):
        await records.write(partial(add, name="refused"))
    other.close()
    await records.write(partial(add, name="written"))
    assert await records.read(names) == ["written"]
