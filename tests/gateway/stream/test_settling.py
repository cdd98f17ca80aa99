from uuid import uuid4

import pytest
from support.inspector_bench import Bench
from support.stream_bench import TAKEN, StreamBench, broken, cause_of, dropped, hello, inspected, sent

from flawgate_contracts.errors import (
    ArchiveUnavailable,
    FlawgateError,
    IdempotencyKeyReused,
    InvalidFrame,
    ModelFailure,
    ModelServerUnavailable,
    UnknownRecipe,
)
from flawgate_gateway.answer import Gap
from flawgate_gateway.database.connections import Database


@pytest.fixture
def streams(database: Database) -> StreamBench:
    """A desk over one database."""
    return StreamBench(Bench(database))


async def test_results_come_in_the_order_of_the_frames(streams: StreamBench) -> None:
    """However long each takes; every number is on record, and nothing was looked up on the way."""
    said = hello()
    streams.bench.decider.delay_s = 0.02
    async with streams.connected(said) as side:
        results = await side.settle([sent(number) for number in range(1, 13)])
        side.say(None)
        await side.end()
    assert [result.sequence for result in results] == list(range(1, 13))
    captures = [inspected(result).capture for result in results]
    assert [capture.sequence for capture in captures if capture] == list(range(1, 13))
    facts = await streams.facts(said.stream_id)
    assert (facts.frames, facts.inspections, facts.dropped, facts.missing) == (12, 12, {}, [])
    assert streams.observer.outcomes == {"inspected": 12}
    assert streams.observer.open == 0
    streams.bench.assert_balanced()


async def test_what_is_sent_again_after_a_cut_is_on_record_once(streams: StreamBench) -> None:
    """The answers that got lost are those that stand; the rest is inspected."""
    said = hello()
    async with streams.connected(said) as side:
        first = await side.settle([sent(1), sent(2), sent(3)])
    async with streams.connected() as side:
        side.say(hello(str(said.stream_id), next_sequence=2))
        assert (await side.welcome()).recorded == 3
        again = await side.settle([sent(number) for number in range(2, 6)])
    assert [result.replayed for result in again] == [True, True, False, False]
    assert [inspected(result).inspection_id for result in again[:2]] == [
        inspected(result).inspection_id for result in first[1:]
    ]
    assert (await streams.facts(said.stream_id)).inspections == len(await streams.bench.recorded()) == 5
    assert len(streams.bench.preprocessor.frames) == 5


async def test_frames_cut_off_in_work_are_settled_once(streams: StreamBench) -> None:
    """What was begun and what is sent again come to one record a number, whichever is first."""
    said = hello()
    streams.bench.archive.delay_s = 0.05
    async with streams.connected(said) as side:
        side.say(*(sent(number) for number in range(1, 5)))
        await side.results(1)
    async with streams.connected(hello(str(said.stream_id))) as side:
        results = await side.settle([sent(number) for number in range(1, 5)])
    assert [result.sequence for result in results] == [1, 2, 3, 4]
    await streams.bench.inspector.settled()
    facts = await streams.facts(said.stream_id)
    assert (facts.frames, facts.inspections, facts.missing) == (4, 4, [])
    assert len(await streams.bench.recorded()) == 4


async def test_another_picture_under_a_recorded_number_ends_the_stream(streams: StreamBench) -> None:
    """Nobody gets the answer to another part; the sentence says to begin a new stream."""
    said = hello()
    async with streams.connected(said) as side:
        await side.settle([sent(1)])
    async with streams.connected(hello(str(said.stream_id))) as side:
        side.say(sent(1, b"another"))
        with pytest.raises(IdempotencyKeyReused, match="new stream"):
            await side.results(1)
    assert len(await streams.bench.recorded()) == 1


@pytest.mark.parametrize("delivery", ["lossless", "latest", "every"])
async def test_what_can_never_be_inspected_is_dropped(streams: StreamBench, delivery: str) -> None:
    """Whatever the policy: else a camera would send it for ever. The frames around it have their records."""
    said = hello(delivery=delivery)
    async with streams.connected(said) as side:
        wrong = broken(2, InvalidFrame("Not a picture."))
        too_long = sent(3, bytes(1001))
        results = await side.settle([sent(1), wrong, too_long, sent(4)])
    assert [cause_of(result) for result in results[1:3]] == ["REFUSED", "REFUSED"]
    facts = await streams.facts(said.stream_id)
    assert (facts.inspections, facts.dropped, facts.missing) == (2, {"REFUSED": 2}, [])
    assert streams.observer.outcomes == {"inspected": 2, "dropped": 2}
    assert streams.observer.dropped_frames == {"REFUSED": 2}
    stands = await streams.book.settled(str(said.stream_id), 2)
    assert isinstance(stands, Gap)
    assert stands.detail == "INVALID_FRAME: Not a picture."


FAILURES = [ModelServerUnavailable("Away."), ModelFailure("NaN."), ZeroDivisionError()]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_failure_drops_a_frame_of_latest_and_the_stream_goes_on(streams: StreamBench, error: Exception) -> None:
    """The next frame matters more."""
    said = hello(delivery="latest")
    streams.bench.decider.errors = [error]
    async with streams.connected(said) as side:
        first = await side.settle([sent(1, acquired_at=TAKEN)])
        second = await side.settle([sent(2)])
    assert cause_of(first[0]) == "FAILED"
    assert inspected(second[0]).evaluation == "NOT_OK"
    facts = await streams.facts(said.stream_id)
    assert (facts.inspections, facts.dropped, facts.missing) == (1, {"FAILED": 1}, [])
    gap = await streams.book.settled(str(said.stream_id), 1)
    assert isinstance(gap, Gap)
    assert (gap.since, gap.until) == (TAKEN, TAKEN)


@pytest.mark.parametrize("delivery", ["lossless", "every"])
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_failure_ends_a_stream_that_may_not_lose_frames(
    streams: StreamBench, delivery: str, error: Exception
) -> None:
    """After all results before it; the number is not settled, and is sent again."""
    said = hello(delivery=delivery)
    async with streams.connected(said) as side:
        await side.settle([sent(1)])
        streams.bench.decider.errors = [error]
        side.say(sent(2))
        with pytest.raises(FlawgateError) as raised:
            await side.results(1)
    assert raised.value.reason == (error.reason if isinstance(error, FlawgateError) else "INTERNAL_ERROR")
    async with streams.connected(hello(str(said.stream_id), next_sequence=2, delivery=delivery)) as side:
        assert not (await side.settle([sent(2)]))[0].replayed
    facts = await streams.facts(said.stream_id)
    assert (facts.inspections, facts.dropped, facts.missing) == (2, {}, [])


async def test_a_frame_whose_time_is_over_is_stale(streams: StreamBench) -> None:
    """Of a stream of `latest`; it is no failure of the gateway."""
    said = hello(delivery="latest")
    streams.bench.decider.delay_s = 1
    async with streams.connected(said) as side:
        (result,) = await side.settle([sent(1, deadline_ms=50)])
    assert cause_of(result) == "STALE"
    assert (await streams.facts(said.stream_id)).dropped == {"STALE": 1}


async def test_a_frame_recorded_while_its_time_ends_counts_once(streams: StreamBench) -> None:
    """It is inspected, or stale, and never both, though the record is written whatever becomes of the caller."""
    said = hello(delivery="latest")
    streams.bench.archive.delay_s = 0.05
    async with streams.connected(said) as side:
        await side.settle([sent(number, deadline_ms=45 + 2 * number) for number in range(1, 9)])
    await streams.bench.inspector.settled()
    facts = await streams.facts(said.stream_id)
    assert facts.inspections + sum(facts.dropped.values()) == facts.frames == 8
    assert facts.missing == []
    assert len(await streams.bench.recorded()) == facts.inspections


@pytest.mark.parametrize("delivery", ["lossless", "latest", "every"])
async def test_what_is_not_the_frames_fault_ends_the_stream(streams: StreamBench, delivery: str) -> None:
    """It would meet every frame; the camera's side keeps them."""
    async with streams.connected(hello(delivery=delivery, recipe="nothing")) as side:
        side.say(sent(1))
        with pytest.raises(UnknownRecipe):
            await side.results(1)
    assert await streams.streams() == []


async def test_a_gap_is_on_record_but_for_what_was_inspected(streams: StreamBench) -> None:
    """A number is settled once: what a camera's side drops may have been inspected before the answer got lost."""
    said = hello(delivery="latest")
    async with streams.connected(said) as side:
        await side.settle([sent(1), sent(2), dropped(3, 3), sent(4)])
    async with streams.connected(hello(str(said.stream_id), next_sequence=2, delivery="latest")) as side:
        over, frame = await side.settle([dropped(2, 7, "STALE"), sent(8)])
        assert (over.sequence, over.replayed) == (7, False)
        assert not frame.replayed
    facts = await streams.facts(said.stream_id)
    assert (facts.frames, facts.inspections, facts.missing) == (8, 4, [])
    assert facts.dropped == {"SUPERSEDED": 1, "STALE": 3}


async def test_a_gap_sent_again_is_on_record_once(streams: StreamBench) -> None:
    """And so is a frame that lies in one: the answer is the gap."""
    said = hello(delivery="latest")
    async with streams.connected(said) as side:
        await side.settle([dropped(1, 5)])
    async with streams.connected(hello(str(said.stream_id), delivery="latest")) as side:
        again, frame = await side.settle([dropped(1, 4), sent(5)])
    assert again.replayed
    assert frame.replayed
    assert isinstance(frame.outcome, Gap)
    assert (frame.outcome.first, frame.outcome.last, frame.sequence) == (1, 5, 5)
    assert (await streams.facts(said.stream_id)).dropped == {"SUPERSEDED": 5}
    assert await streams.bench.recorded() == []


async def test_a_picture_that_repeats_the_one_before_is_told(streams: StreamBench) -> None:
    """To the core, which knows what the recipe makes of a camera that stands still."""
    async with streams.connected(hello()) as side:
        await side.settle([sent(1, b"a"), sent(2, b"a"), sent(3, b"b"), sent(4, b"a")])
    told = {frame.sha256: frame.repeats for frame in streams.bench.preprocessor.frames if frame.data == b"b"}
    assert list(told.values()) == [False]
    repeated = sorted(frame.repeats for frame in streams.bench.preprocessor.frames if frame.data == b"a")
    assert repeated == [False, False, True]


async def test_a_camera_that_stands_still_does_so_over_connections(streams: StreamBench) -> None:
    """The first picture after a break is compared with the last one before it, which is on record."""
    said = hello()
    async with streams.connected(said) as side:
        await side.settle([sent(1, b"a")])
    async with streams.connected(hello(str(said.stream_id), next_sequence=2)) as side:
        await side.settle([sent(2, b"a")])
    assert [frame.repeats for frame in streams.bench.preprocessor.frames] == [False, True]


@pytest.mark.parametrize("delivery", ["lossless", "latest"])
async def test_nobody_gets_the_answer_of_another_picture(streams: StreamBench, delivery: str) -> None:
    """A picture that cannot be read, under the number of a good part, is not told to be good."""
    said = hello(delivery=delivery)
    async with streams.connected(said) as side:
        await side.settle([sent(1)])
    async with streams.connected(said) as side:
        side.say(broken(1, InvalidFrame("No picture.")))
        with pytest.raises(IdempotencyKeyReused):
            await side.results(1)


async def test_the_archive_away_ends_a_lossless_stream_and_loses_nothing(streams: StreamBench) -> None:
    """As every other thing that another try may help."""
    said = hello()
    async with streams.connected(said) as side:
        streams.bench.archive.error = ArchiveUnavailable("Away.")
        side.say(sent(1))
        with pytest.raises(ArchiveUnavailable):
            await side.results(1)
    streams.bench.archive.error = None
    async with streams.connected(said) as side:
        await side.settle([sent(1)])
    assert (await streams.facts(said.stream_id)).inspections == 1


async def test_numbers_that_are_nowhere_are_named(streams: StreamBench) -> None:
    """A camera's side that begins later than what is on record: the hole shows, and the stream goes on."""
    stream_id = str(uuid4())
    async with streams.connected(hello(stream_id)) as side:
        await side.settle([sent(1), sent(2)])
    async with streams.connected(hello(stream_id, next_sequence=5)) as side:
        await side.settle([sent(5), dropped(6, 7)])
    facts = await streams.facts(stream_id)
    assert (facts.frames, facts.inspections, facts.missing) == (7, 3, [(3, 4)])
