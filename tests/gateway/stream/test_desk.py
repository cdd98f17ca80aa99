import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from support.inspector_bench import Bench
from support.stream_bench import CameraSide, StreamBench, broken, dropped, hello, sent, wait_until

from flawgate_contracts.errors import (
    Conflict,
    DeadlineExceeded,
    InvalidParameter,
    InvalidRequest,
    ModelServerUnavailable,
    Overloaded,
    RateLimited,
    RecordsUnavailable,
    Unauthenticated,
    Unavailable,
    UnknownRecipe,
)
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.stream.exchange import MAX_UNSENT, Exchange
from flawgate_gateway.stream.messages import Credit, NotInspected
from flawgate_gateway.stream.opened import Place
from flawgate_gateway.stream.settling import Settler


@pytest_asyncio.fixture
async def database(tmp_path: Any) -> AsyncIterator[Database]:
    """SQLite alone: nothing here is the database's business."""
    database = connect(f"sqlite:///{tmp_path / 'records.db'}")
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture
def streams(database: Database) -> StreamBench:
    """A desk over fakes."""
    return StreamBench(Bench(database))


async def ended_with(side: CameraSide, error: type[Exception], match: str) -> None:
    """The stream ends so."""
    with pytest.raises(error, match=match):
        await side.end()


@pytest.mark.parametrize("first", [sent(1), dropped(1, 2), None], ids=["frame", "gap", "nothing"])
async def test_a_stream_begins_with_a_hello(streams: StreamBench, first: Any) -> None:
    """Nobody knows whose frames they are."""
    async with streams.connected() as side:
        side.say(first)
        await ended_with(side, InvalidRequest, "does not begin with a hello")


async def test_a_hello_is_waited_for_and_no_longer(streams: StreamBench) -> None:
    """A connection that says nothing holds nothing."""
    async with streams.with_terms(hello_s=0.05).connected() as side:
        await ended_with(side, DeadlineExceeded, "No hello came")


async def test_a_second_hello_ends_the_stream(streams: StreamBench) -> None:
    """After the answers to all before it."""
    async with streams.connected(said := hello()) as side:
        side.say(sent(1), said)
        assert [result.sequence for result in await side.results(1)] == [1]
        await ended_with(side, InvalidRequest, "second hello")


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        (sent(3), InvalidParameter, "Number 2 comes next, not 3"),
        (sent(1), InvalidParameter, "Number 2 comes next, not 1"),
        (dropped(5, 6), InvalidParameter, "Number 2 comes next, not 5"),
        (InvalidRequest("No message."), InvalidRequest, "No message"),
    ],
    ids=["hole", "again", "hole before a gap", "unreadable"],
)
async def test_what_breaks_the_protocol_ends_the_stream_after_what_was_right(
    streams: StreamBench, wrong: Any, error: type[Exception], match: str
) -> None:
    """The frame before it has its record and its answer."""
    async with streams.connected(said := hello()) as side:
        side.say(sent(1), wrong)
        assert [result.sequence for result in await side.results(1)] == [1]
        await ended_with(side, error, match)
    assert (await streams.facts(said.stream_id)).inspections == 1


async def test_a_frame_without_a_credit_ends_the_stream(streams: StreamBench) -> None:
    """Those that had one are answered."""
    streams.bench.decider.delay_s = 0.1
    async with streams.connected(hello()) as side:
        side.say(*(sent(number) for number in range(1, 6)))
        assert len(await side.results(4)) == 4
        await ended_with(side, InvalidRequest, "Frame 5 came without a credit")


async def test_a_welcome_says_what_is_wrong_with_the_recipe(streams: StreamBench) -> None:
    """Before any frame is sent; a gap is taken all the same, and a frame ends the stream with the very sentence."""
    async with streams.connected() as good:
        good.say(hello())
        assert (await good.welcome()).recipe_fault == ""
    async with streams.connected() as side:
        side.say(hello(recipe="textur"))
        fault = (await side.welcome()).recipe_fault
        assert fault.startswith("There is no recipe 'textur' here; known are:")
        assert [result.sequence for result in await side.settle([dropped(1, 3)])] == [3]
        side.say(sent(4))
        await ended_with(side, UnknownRecipe, fault)


async def test_a_welcome_does_not_wait_for_a_decision_that_is_silent(streams: StreamBench) -> None:
    """What is not known in time is not said, and the stream goes on."""
    streams.bench.decider.list_delay_s = 1
    async with streams.with_terms(recipe_s=0.02).connected() as side:
        side.say(hello())
        assert (await side.welcome()).recipe_fault == ""


async def test_the_newer_connection_of_a_stream_wins(streams: StreamBench) -> None:
    """The older one is ended, and its frames in work are settled once."""
    said = hello()
    streams.bench.decider.delay_s = 0.05
    async with streams.connected(said) as older:
        older.say(sent(1), sent(2))
        await wait_until(lambda: older.taken == 3)
        async with streams.connected(hello(str(said.stream_id))) as newer:
            await ended_with(older, Conflict, "opened again")
            results = await newer.settle([sent(1), sent(2), sent(3)])
            assert [result.sequence for result in results] == [1, 2, 3]
            assert streams.observer.open == 1
    assert (await streams.facts(said.stream_id)).inspections == len(await streams.bench.recorded()) == 3


async def test_so_many_streams_are_open_and_no_more(streams: StreamBench) -> None:
    """One more is told to try again; when one has ended, another is let in."""
    few = streams.with_terms(max_streams=1)
    async with few.connected(hello()), few.connected() as second:
        second.say(hello())
        await ended_with(second, Overloaded, "1 streams are open")
    async with few.connected(hello()) as third:
        assert len(await third.settle([sent(1)])) == 1


async def test_a_stop_answers_what_was_begun_and_reads_no_more(streams: StreamBench) -> None:
    """Then UNAVAILABLE; a stream that comes later is refused."""
    said = hello()
    streams.bench.decider.delay_s = 0.1
    async with streams.connected(said) as side:
        side.say(sent(1), sent(2))
        await wait_until(lambda: side.taken == 3)
        streams.desk.opened.drain()
        side.say(sent(3))
        assert [result.sequence for result in await side.results(2)] == [1, 2]
        await ended_with(side, Unavailable, "stopping")
    async with streams.connected() as late:
        late.say(hello())
        await ended_with(late, Unavailable, "stopping")
    assert (await streams.facts(said.stream_id)).frames == 2


async def test_a_revoked_key_ends_the_stream(streams: StreamBench) -> None:
    """Within the time between two looks; what cannot be looked at, or asks too often, ends nothing."""
    often = streams.with_terms(admit_s=0.02)
    async with often.connected(hello()) as side:
        for passing in (RecordsUnavailable("Away."), RateLimited("Too often.")):
            often.refusal = passing
            await asyncio.sleep(0.06)
            often.refusal = None
        assert len(await side.settle([sent(1)])) == 1
        often.refusal = Unauthenticated("The key was revoked.")
        await ended_with(side, Unauthenticated, "revoked")


async def test_a_camera_that_reads_nothing_holds_up_itself_alone(streams: StreamBench) -> None:
    """It gets no credits, and its gaps are not read for ever; another stream goes on, and it does when it reads."""
    async with streams.connected(hello()) as slow, streams.connected(hello()) as other:
        slow.reads.clear()
        slow.say(*(sent(number) for number in range(1, 5)), *(dropped(number, number) for number in range(5, 200)))
        assert len(await other.settle([sent(number) for number in range(1, 20)])) == 19
        before = slow.taken
        await asyncio.sleep(0.05)
        # The hello, those that wait to be sent, the one that is being sent, and the one that waits to wait.
        assert before == slow.taken <= 1 + 4 + MAX_UNSENT + 2
        slow.reads.set()
        assert [result.sequence for result in await slow.results(199)] == list(range(1, 200))


async def test_frames_beyond_the_room_are_not_read(streams: StreamBench) -> None:
    """Of all streams together: each has one more at most, and they go on when the first are done."""
    narrow = streams.with_terms(max_held_bytes=500)
    narrow.bench.decider.delay_s = 0.1
    async with narrow.connected(hello()) as one, narrow.connected(hello()) as other:
        one.say(sent(1, bytes(600)), sent(2, bytes(600)))
        await wait_until(lambda: one.taken == 2)
        await asyncio.sleep(0.02)
        other.say(sent(1, bytes(600)), sent(2, bytes(600)))
        await asyncio.sleep(0.02)
        assert (one.taken, other.taken) == (2, 2)
        assert len(await one.results(2)) == len(await other.results(2)) == 2


async def test_frames_of_streams_leave_turns_for_requests(streams: StreamBench) -> None:
    """They wait for each other before the queue of their recipe, not in it."""
    few = streams.with_terms(at_once=2)
    few.bench.decider.delay_s = 0.05
    async with few.connected(hello()) as one, few.connected(hello()) as other:
        for side in (one, other):
            side.say(*(sent(number, b"%d" % id(side)) for number in range(1, 5)))
        await wait_until(lambda: few.bench.observer.begun == 2)
        await asyncio.sleep(0.02)
        assert few.bench.observer.begun == 2
        assert len(await one.results(4)) == len(await other.results(4)) == 4


async def test_a_frame_whose_turn_does_not_come_in_time_is_counted_as_a_failure(streams: StreamBench) -> None:
    """It is dropped as any other that has no verdict by the gateway's fault, and spends the same budget."""
    few = streams.with_terms(at_once=1)
    few.bench.decider.delay_s = 0.3
    async with few.connected(hello(delivery="latest")) as side:
        side.say(sent(1), sent(2, deadline_ms=50))
        results = await side.results(2)
    assert isinstance(results[1].outcome, NotInspected)
    assert few.bench.observer.failures == {"DEADLINE_EXCEEDED": 1}


def held() -> int:
    """What connections are made of and is still there, that of other tests included."""
    gc.collect()
    # By type: a look at `__class__` wakes what is deprecated in other libraries.
    return sum(type(each) in (Exchange, Settler, Place) for each in gc.get_objects())


async def test_a_thousand_connections_leave_nothing(streams: StreamBench) -> None:
    """No task, no object and no row of those who only said hello."""
    many = streams.with_terms(max_streams=1000)

    async def connect_and_go(number: int) -> None:
        async with many.connected(hello()) as side:
            if number % 100 == 0:
                await side.settle([sent(1)])

    await connect_and_go(1)
    tasks, before = len(asyncio.all_tasks()), held()
    for start in range(0, 1000, 50):
        await asyncio.gather(*(connect_and_go(number) for number in range(start, start + 50)))
    assert len(asyncio.all_tasks()) == tasks
    assert held() <= before
    assert len(many.desk.opened) == many.observer.open == 0
    assert len(await many.streams()) == len(await many.bench.recorded()) == 10


class FailingDatabase(Database):
    """A database that answers or not, as it is told."""

    def __init__(self, database: Database) -> None:
        super().__init__(database._engine, database._lanes)
        self.has_tables = True
        self.down = False

    async def write(self, work: Any) -> Any:
        """See `Database`."""
        if self.down:
            raise RecordsUnavailable("Away.")
        return await super().write(work)


@pytest.mark.parametrize("delivery", ["lossless", "latest"])
async def test_without_the_database_a_stream_ends_and_goes_on_later(database: Database, delivery: str) -> None:
    """A gap that cannot be written cannot be answered either: `latest` is sent again too, and nothing is uncounted."""
    failing = FailingDatabase(database)
    streams, stream_id = StreamBench(Bench(failing)), str(uuid4())
    async with streams.connected(hello(stream_id, delivery=delivery)) as side:
        await side.settle([sent(1)])
        failing.down = True
        side.say(sent(2))
        await ended_with(side, RecordsUnavailable, "Away")
    failing.down = False
    async with streams.connected(hello(stream_id, next_sequence=2, delivery=delivery)) as side:
        await side.settle([sent(2), sent(3)])
    facts = await streams.facts(stream_id)
    assert (facts.frames, facts.inspections, facts.missing) == (3, 3, [])


async def test_a_failure_waits_for_its_turn_to_be_told(streams: StreamBench) -> None:
    """A later frame that fails at once does not take the answers of those before it away."""
    streams.bench.decider.delay_s = 0.1
    async with streams.connected(hello(delivery="every")) as side:
        side.say(sent(1), broken(2, ModelServerUnavailable("Away.")), sent(3))
        assert [result.sequence for result in await side.results(1)] == [1]
        await ended_with(side, ModelServerUnavailable, "Away")


async def test_credits_follow_answers(streams: StreamBench) -> None:
    """Two for every two answered, of four."""
    async with streams.connected(hello()) as side:
        side.say(*(sent(number) for number in range(1, 5)), None)
        await side.end()
        said = [side.from_gateway.get_nowait() for _ in range(side.from_gateway.qsize())]
    assert [message.frames for message in said if isinstance(message, Credit)] == [2, 2]
