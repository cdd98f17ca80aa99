import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from support.outbox import a_webhook, delivering, record, states
from support.webhook_receiver import Reply, webhook_receiver

from flawgate_contracts.errors import InvalidParameter, UnknownSink
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import deliveries, events
from flawgate_gateway.outbox.desk import SinkDesk
from flawgate_gateway.outbox.replaying import Selection, replay
from flawgate_gateway.outbox.retention import forget_delivered
from flawgate_gateway.outbox.sinks import Sinks

S1 = "/plants/Novo%20mesto/lines/L2/stations/S1"


async def fill(database: Database) -> None:
    """Four events, written at 1 to 4 µs: parts 1 and 3 of station S1, 2 and 4 of S0."""
    for part in range(1, 5):
        await record(database, part, ("mes",), station=f"S{part % 2}")
    async with database.writing() as connection:
        await connection.execute(update(events).values(created_at_us=events.c.number))


async def end(database: Database, state: str, *numbers: int) -> None:
    """Let deliveries have ended."""
    async with database.writing() as connection:
        ended = update(deliveries).where(deliveries.c.event_number.in_(numbers))
        await connection.execute(ended.values(state=state, attempts=3, ended_at_us=now_us(), last_error="answered 500"))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(since_us=2, until_us=4), ["delivered", "pending", "pending", "delivered"]),
        (Selection(since_us=3), ["delivered", "delivered", "pending", "pending"]),
        (Selection(source=S1), ["pending", "delivered", "pending", "delivered"]),
        (Selection(dead_only=True), ["delivered", "delivered", "pending", "delivered"]),
        (Selection(since_us=4, dead_only=True), ["delivered", "delivered", "dead", "delivered"]),
    ],
)
async def test_a_selection_is_brought_once_more(database: Database, selection: Selection, expected: list[str]) -> None:
    """By time, by source, or what was given up; nothing else."""
    await fill(database)
    await end(database, "delivered", 1, 2, 4)
    await end(database, "dead", 3)
    replayed = await replay(database, "mes", selection)
    wanted = [state if state == "pending" or number != 3 else "dead" for number, state in enumerate(expected, 1)]
    assert await states(database, "mes") == wanted
    assert replayed == wanted.count("pending")


async def test_a_replay_of_everything_is_refused() -> None:
    """Nobody means it; whoever does names a time."""
    with pytest.raises(InvalidParameter, match="name a time"):
        Selection()


async def test_a_replay_comes_in_order_with_the_same_ids(database: Database, tmp_path: Path) -> None:
    """Of each station first the older events; what a receiver has already, it knows by the id."""
    async with webhook_receiver() as receiver:
        receiver.replies = [Reply(410)]
        async with delivering(database, a_webhook(tmp_path, receiver.url)) as dispatcher:
            for part in range(4):
                await record(database, part, ("mes",))
            await receiver.until(lambda: len(receiver.requests) == 4)
            await receiver.until(lambda: receiver.parts() == ["1", "2", "3"])
            desk = SinkDesk(database, dispatcher.sinks, dispatcher.wake)
            async with database.reading() as connection:
                since = await connection.scalar(select(func.min(events.c.created_at_us)))
        assert await desk.replay("mes", Selection(since_us=since)) == 4
        async with delivering(database, a_webhook(tmp_path, receiver.url)):
            await receiver.until(lambda: len(receiver.requests) == 8)
    assert receiver.parts() == ["1", "2", "3", "0", "1", "2", "3"]
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids[:4] == ids[4:]


async def test_a_sink_that_came_later_can_have_the_past(database: Database) -> None:
    """Events that were never meant for it are brought by a replay."""
    await fill(database)
    assert await replay(database, "new", Selection(since_us=3)) == 2
    assert await replay(database, "new", Selection(since_us=2)) == 3
    assert await states(database, "new") == ["pending"] * 3


async def test_two_replays_at_once_do_not_disturb_each_other(database: Database) -> None:
    """Each event is brought once, though both found that the sink did not have it."""
    await fill(database)
    async with database.writing() as connection:
        row = {"sink": "late", "event_number": 1, "stream": S1, "sequence": 1, "state": "pending"}
        await connection.execute(insert(deliveries).values(**row, next_attempt_at_us=0))
        other = asyncio.ensure_future(replay(database, "late", Selection(since_us=0)))
        await asyncio.sleep(0.2)
    assert await other == 4
    assert await states(database, "late") == ["pending"] * 4


async def test_an_unknown_sink_is_named(database: Database) -> None:
    """With those that there are."""
    await fill(database)
    with pytest.raises(UnknownSink, match="'mse'; there are: mes"):
        await SinkDesk(database, Sinks(), lambda: None).replay("mse", Selection(dead_only=True))


async def test_what_everybody_has_is_forgotten_after_its_days(database: Database) -> None:
    """Waiting events and dead letters stay, however old; so does what is young."""
    await fill(database)
    await end(database, "delivered", 1, 4)
    await end(database, "dead", 3)
    assert await forget_delivered(database, before_us=4) == 1
    async with database.reading() as connection:
        assert list(await connection.scalars(select(events.c.number).order_by(events.c.number))) == [2, 3, 4]
    assert await states(database, "mes") == ["pending", "dead", "delivered"]
    await record(database, 5, ("mes",), station="S1")
    async with database.reading() as connection:
        assert await connection.scalar(select(func.max(events.c.sequence))) == 3
