import asyncio
import json

import pytest
from sqlalchemy import Connection, select
from support.outbox import an_inspection, record, states

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import events, streams
from flawgate_gateway.outbox.drafts import completed
from flawgate_gateway.outbox.writing import append


async def written(database: Database, station: str) -> list[tuple[int, str, str]]:
    """Sequence, the same in the event, and part of a station's events, in the order in which they were written."""
    async with database.reading() as connection:
        found = select(events.c.sequence, events.c.document).where(events.c.stream.like(f"%/{station}"))
        rows = (await connection.execute(found.order_by(events.c.number))).all()
    documents = [json.loads(row.document) for row in rows]
    return [(row.sequence, event["sequence"], event["subject"]) for row, event in zip(rows, documents, strict=True)]


async def test_sequences_have_no_gap_under_concurrent_writers(database: Database) -> None:
    """Eight writers at two stations: each station counts from 1 on, one by one."""

    async def write(writer: int) -> None:
        for number in range(10):
            await record(database, 100 * writer + number, ("mes",), station=f"S{writer % 2}")

    await asyncio.gather(*(write(writer) for writer in range(8)))
    for station in ("S0", "S1"):
        found = await written(database, station)
        assert list(range(1, 41)) == [sequence for sequence, _, _ in found]
        assert [f"{number:016d}" for number in range(1, 41)] == [sequence for _, sequence, _ in found]
        for writer in range(int(station[1]), 8, 2):
            mine = [int(part) for _, _, part in found if int(part) // 100 == writer]
            assert sorted(mine) == mine


async def fail_after_appending(database: Database) -> None:
    """A transaction that ends by an error."""

    def write(connection: Connection) -> None:
        append(connection, completed(an_inspection(station="S1", part="lost")), ("mes",))
        raise ZeroDivisionError

    await database.write(write)


async def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    """An inspection that cannot be recorded has no event, and its number goes to the next."""
    await record(database, 1, ("mes",))
    with pytest.raises(ZeroDivisionError):
        await fail_after_appending(database)
    await record(database, 2, ("mes",))
    assert [(sequence, part) for sequence, _, part in await written(database, "S1")] == [(1, "1"), (2, "2")]


async def test_each_sink_has_a_delivery(database: Database) -> None:
    """One row a sink; where there is no sink, nothing is written, not even a number used."""
    await record(database, 1, ())
    async with database.reading() as connection:
        assert list(await connection.scalars(select(streams.c.stream))) == []
    await record(database, 1, ("mes", "uns"))
    assert (await states(database, "mes"), await states(database, "uns")) == (["pending"], ["pending"])


async def test_a_recorded_event_says_when(database: Database) -> None:
    """`recordedtime` is of the writing; the data stands last."""
    await record(database, 1, ("mes",))
    async with database.reading() as connection:
        event = json.loads(str(await connection.scalar(select(events.c.document))))
    assert event["time"] == "2026-11-20T10:15:02.231Z"
    assert event["recordedtime"].endswith("Z")
    assert list(event)[-3:] == ["sequence", "recordedtime", "data"]
