import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from support.outbox import CountingDeliveryObserver, a_webhook, delivering, record, states
from support.ports import free_port
from support.webhook_receiver import HANG_UP, Reply, Request, until, verified, webhook_receiver

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import leases
from flawgate_gateway.outbox.backlog import heads
from flawgate_gateway.outbox.inventory import backlogs, dead_letters


def numbers(parts: Iterable[int]) -> list[str]:
    """Names of parts."""
    return [str(part) for part in parts]


async def settled(database: Database, sink: str, count: int) -> list[str]:
    """What became of deliveries, once none of so many is pending."""
    async with asyncio.timeout(20):
        while True:
            found = await states(database, sink)
            if len(found) == count and "pending" not in found:
                return found
            await asyncio.sleep(0.02)


async def test_events_come_signed_and_in_order(database: Database, tmp_path: Path) -> None:
    """Each once while all is well, verified by the library that receivers use, sequences without a gap."""
    async with webhook_receiver() as receiver:
        sink = a_webhook(tmp_path, receiver.url)
        for part in range(1, 4):
            await record(database, part, ("mes",))
        async with delivering(database, sink) as dispatcher:
            for part in range(4, 7):
                await record(database, part, ("mes",))
                dispatcher.wake()
            await receiver.until(lambda: len(receiver.taken) == 6)
            await settled(database, "mes", 6)
    events = [verified(request) for request in receiver.taken]
    assert numbers(range(1, 7)) == [event["subject"] for event in events]
    assert [f"{number:016d}" for number in range(1, 7)] == [event["sequence"] for event in events]
    assert len(receiver.requests) == 6


async def test_stations_do_not_wait_for_each_other(database: Database, tmp_path: Path) -> None:
    """Four stations are delivered at once, each in its own order, never two events of one."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(delay_s=0.05)
        for part in range(12):
            await record(database, part, ("mes",), station=f"S{part % 4}")
        async with delivering(database, a_webhook(tmp_path, receiver.url)):
            await receiver.until(lambda: len(receiver.taken) == 12)
    assert receiver.at_once == 4
    for station in range(4):
        mine = [request.part for request in receiver.taken if request.event["data"]["station"] == f"S{station}"]
        assert numbers(range(station, 12, 4)) == mine


async def test_no_more_streams_at_once_than_the_sink_takes(database: Database, tmp_path: Path) -> None:
    """`max_in_flight` bounds the requests under way."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(delay_s=0.02)
        for part in range(8):
            await record(database, part, ("mes",), station=f"S{part}")
        async with delivering(database, a_webhook(tmp_path, receiver.url, max_in_flight=2)):
            await receiver.until(lambda: len(receiver.taken) == 8)
    assert receiver.at_once == 2


@pytest.mark.parametrize(
    "failure", [Reply(500), Reply(302, {"location": "/elsewhere"}), Reply(HANG_UP), Reply(delay_s=2)]
)
async def test_a_refused_event_comes_again_before_those_behind_it(
    database: Database, tmp_path: Path, failure: Reply
) -> None:
    """500, a redirect, a dropped connection, no answer in time: the same event again, the order kept."""
    async with webhook_receiver() as receiver:
        receiver.replies = [failure, failure]
        for part in range(3):
            await record(database, part, ("mes",))
        async with delivering(database, a_webhook(tmp_path, receiver.url, timeout_s=0.3)):
            await receiver.until(lambda: receiver.parts()[-3:] == numbers(range(3)))
    assert [request.part for request in receiver.requests] == ["0", "0", "0", "1", "2"]
    assert len({request.headers["webhook-id"] for request in receiver.requests[:3]}) == 1


async def test_an_event_refused_too_often_is_a_dead_letter(database: Database, tmp_path: Path) -> None:
    """After its last try the event is given up, and the next of its station goes on."""
    observer = CountingDeliveryObserver()

    def refusing(request: Request) -> Reply:
        return Reply(422 if request.part == "1" else 200)

    async with webhook_receiver() as receiver:
        receiver.reply = refusing
        for part in range(3):
            await record(database, part, ("mes",))
        async with delivering(database, a_webhook(tmp_path, receiver.url), observer=observer):
            assert await settled(database, "mes", 3) == ["delivered", "dead", "delivered"]
    assert [request.part for request in receiver.requests] == ["0", "1", "1", "1", "2"]
    assert dict(observer.tries) == {("mes", "delivered"): 2, ("mes", "refused"): 2, ("mes", "dead"): 1}
    async with database.reading() as connection:
        (letter,) = await dead_letters(connection, "mes", before=None, limit=10)
    assert (letter.attempts, letter.last_error, letter.sequence) == (3, "answered 422", 2)


async def test_gone_is_given_up_at_once(database: Database, tmp_path: Path) -> None:
    """410: the event is never sent again."""
    async with webhook_receiver() as receiver:
        receiver.replies = [Reply(410)]
        for part in range(2):
            await record(database, part, ("mes",))
        async with delivering(database, a_webhook(tmp_path, receiver.url)):
            assert await settled(database, "mes", 2) == ["dead", "delivered"]
    assert [request.part for request in receiver.requests] == ["0", "1"]


async def test_a_sink_that_is_down_keeps_its_events(database: Database, tmp_path: Path) -> None:
    """However long nobody listens, no event is given up; all come when somebody does."""
    port = free_port()
    observer = CountingDeliveryObserver()
    sink = a_webhook(tmp_path, f"http://127.0.0.1:{port}/events", unreachable_delay_s=0.02)
    for part in range(3):
        await record(database, part, ("mes",))
    async with delivering(database, sink, observer=observer):
        await until(lambda: observer.tries["mes", "unreachable"] >= 6)
        async with database.reading() as connection:
            (backlog,) = await backlogs(connection, ["mes"])
        assert (backlog.pending, backlog.dead) == (3, 0)
        assert backlog.last_error == "cannot be reached (ConnectionRefusedError)"
        async with webhook_receiver(port) as receiver:
            await receiver.until(lambda: receiver.parts() == numbers(range(3)))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_sink_is_left_alone_for_as_long_as_it_asks(
    database: Database, tmp_path: Path, status: int
) -> None:
    """`Retry-After` holds for all stations, and costs no event a try."""
    async with webhook_receiver() as receiver:
        receiver.replies = [Reply(status, {"retry-after": "1"})] * 2
        sink = a_webhook(tmp_path, receiver.url, max_in_flight=1, retry_delays_s=[])
        for part in range(2):
            await record(database, part, ("mes",), station=f"S{part}")
        began = time.monotonic()
        async with delivering(database, sink):
            await receiver.until(lambda: len(receiver.taken) == 2)
    assert time.monotonic() - began >= 2
    assert len(receiver.requests) == 4


async def test_a_dead_sink_delays_neither_writers_nor_another_sink(database: Database, tmp_path: Path) -> None:
    """While one sink never answers, events are appended without waiting for it, and the other sink has them all."""
    async with webhook_receiver() as hung, webhook_receiver() as living:
        hung.reply = lambda _: Reply(delay_s=3600)
        sinks = (
            a_webhook(tmp_path, hung.url, name="hung", timeout_s=30),
            a_webhook(tmp_path, living.url, name="living"),
        )
        async with delivering(database, *sinks, grace_s=0.0) as dispatcher:
            for part in range(20):
                await record(database, part, ("hung", "living"))
                dispatcher.wake()
            await living.until(lambda: living.parts() == numbers(range(20)))
            assert await states(database, "hung") == ["pending"] * 20
            assert [request.part for request in hung.requests] == ["0"]


async def test_no_connection_of_the_database_is_held_while_a_sink_is_waited_for(
    database: Database, tmp_path: Path
) -> None:
    """Deliveries under way occupy no connection, so that inspections have them all."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(delay_s=3600)
        for part in range(8):
            await record(database, part, ("mes",), station=f"S{part}")
        async with delivering(database, a_webhook(tmp_path, receiver.url, timeout_s=30), grace_s=0.0):
            await receiver.until(lambda: receiver.at_once == 8)
            await asyncio.sleep(0.2)
            engines = (database._engine.sync_engine, *(database._lanes.engines if database._lanes else ()))
            assert [engine.pool.checkedout() for engine in engines] == [0] * len(engines)


async def test_of_two_gateways_one_delivers(database: Database, tmp_path: Path) -> None:
    """Both look at the same outbox; each event comes once, in order."""
    async with webhook_receiver() as receiver:
        sink = a_webhook(tmp_path, receiver.url)
        async with delivering(database, sink) as one, delivering(database, sink) as other:
            for part in range(20):
                await record(database, part, ("mes",))
                (one, other)[part % 2].wake()
            await settled(database, "mes", 20)
    assert numbers(range(20)) == [request.part for request in receiver.requests]


async def test_what_a_gateway_leaves_another_takes_over(database: Database, tmp_path: Path) -> None:
    """A stop hands the sink over at once; a gateway that vanished is followed when its lease ends."""
    async with webhook_receiver() as receiver:
        sink = a_webhook(tmp_path, receiver.url, timeout_s=0.2)
        async with database.writing() as connection:
            vanished = {"name": "outbox:mes", "owner": "vanished", "until_us": now_us() + 700_000}
            await connection.execute(insert(leases).values(**vanished))
        await record(database, 0, ("mes",))
        began = time.monotonic()
        async with delivering(database, sink, lease_s=0.5):
            await receiver.until(lambda: receiver.parts() == ["0"])
        assert time.monotonic() - began >= 0.5
        async with database.reading() as connection:
            assert "outbox:mes" not in list(await connection.scalars(select(leases.c.name)))
        await record(database, 1, ("mes",))
        async with delivering(database, sink, lease_s=60):
            await receiver.until(lambda: receiver.parts() == ["0", "1"])


async def test_a_stop_lets_the_tries_under_way_end(database: Database, tmp_path: Path) -> None:
    """What was being sent is delivered and written so, not sent again by the next gateway."""
    async with webhook_receiver() as receiver:
        receiver.reply = lambda _: Reply(delay_s=0.3)
        for part in range(3):
            await record(database, part, ("mes",))
        async with delivering(database, a_webhook(tmp_path, receiver.url)):
            await receiver.until(lambda: len(receiver.requests) == 1)
        assert await states(database, "mes") == ["delivered", "pending", "pending"]


async def test_the_heads_of_streams_are_found(database: Database) -> None:
    """The first pending event of each station, and nothing of other sinks."""
    for part in range(6):
        await record(database, part, ("mes",) if part else ("other",), station=f"S{part % 3}")
    mine, others = await database.read(lambda connection: (heads(connection, "mes"), heads(connection, "none")))
    assert {"S0", "S1", "S2"} == {head.stream.rpartition("/")[2] for head in mine}
    assert others == []
