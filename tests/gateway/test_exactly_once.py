import asyncio
import hashlib
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection, text, update
from sqlalchemy.exc import DBAPIError
from support.inspector_bench import FRAME, MakeBench, make, told
from uuid_utils import uuid7

from flawgate_contracts.errors import (
    ArchiveUnavailable,
    DiskFull,
    FlawgateError,
    IdempotencyKeyReused,
    InvalidFrame,
    ModelFailure,
    Overloaded,
    RequestInProgress,
)
from flawgate_gateway.access.caller import ANYONE, Caller, Scope
from flawgate_gateway.core import Answered, Arrival
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import idempotency_keys
from flawgate_gateway.frames import InspectionOrder
from flawgate_gateway.records import claims
from flawgate_gateway.records.book import LEASE_MARGIN_S
from flawgate_gateway.records.claims import Claim
from flawgate_gateway.records.submission import Submission, fingerprint

__all__ = ["make"]

T = TypeVar("T")


class LateDatabase(Database):
    """A database whose word that something is written comes late."""

    def __init__(self, database: Database, *, delay_s: float) -> None:
        super().__init__(database._engine, database._lanes)
        self.has_tables = True
        self.delay_s = delay_s

    async def write(self, work: Callable[[Connection], T]) -> T:
        """See `Database`."""
        result = await super().write(work)
        await asyncio.sleep(self.delay_s)
        return result


async def test_the_same_key_comes_to_one_record(make: MakeBench) -> None:
    """The second try gets the answer of the first, and costs no work."""
    bench = make()
    first, second = await bench.answered("k-1", part="SN-1"), await bench.answered("k-1", part="SN-1", deadline_ms=900)
    assert (first.replayed, second.replayed) == (False, True)
    assert told(first.inspection) == told(second.inspection)
    assert [first.inspection.inspection_id] == await bench.recorded()
    assert len(bench.preprocessor.frames) == 1
    bench.assert_balanced()


async def test_a_key_in_flight_is_refused_by_every_gateway(make: MakeBench) -> None:
    """Of ten tries at once through two gateways one works; the others are told to ask again, and get its answer."""
    one, other = make(), make()
    one.decider.delay_s = other.decider.delay_s = 0.3
    tries = await asyncio.gather(*((one, other)[n % 2].answered("k-1") for n in range(10)), return_exceptions=True)
    answers = [each for each in tries if isinstance(each, Answered)]
    assert len(answers) == 1
    assert sum(isinstance(each, RequestInProgress) for each in tries) == 9
    assert told(answers[0].inspection) == told((await other.answered("k-1")).inspection)
    assert [answers[0].inspection.inspection_id] == await one.recorded()


async def test_a_key_with_other_fields_is_refused(make: MakeBench) -> None:
    """A program that forgets to change its key is told so, instead of getting another part's answer."""
    bench = make()
    await bench.inspect("k-1", part="SN-1")
    with pytest.raises(IdempotencyKeyReused, match="a new key"):
        await bench.inspect("k-1", part="SN-2")
    assert len(await bench.recorded()) == 1


async def test_keys_of_different_callers_are_different(make: MakeBench) -> None:
    """Nobody gets another's answer by guessing a key."""
    bench, order = make(), InspectionOrder(recipe="spot")
    for name in ("a", "b"):
        caller = Caller(name, name, frozenset({Scope.INSPECT}))
        answered = await bench.inspector.inspect(FRAME, order, Arrival.now(), Submission(caller, "k-1"))
        assert not answered.replayed
    assert len(await bench.recorded()) == 2


async def test_a_refusal_of_the_request_itself_is_replayed(make: MakeBench) -> None:
    """A picture that is none stays none: the second try costs no work."""
    bench = make()
    bench.preprocessor.error = InvalidFrame("Not a picture; send another.", {"at": "7"})
    for _ in range(2):
        with pytest.raises(InvalidFrame) as caught:
            await bench.inspect("k-1")
        assert (caught.value.message, caught.value.metadata) == ("Not a picture; send another.", {"at": "7"})
    assert len(bench.preprocessor.frames) == 1


@pytest.mark.parametrize("error", [ModelFailure("The model failed."), ZeroDivisionError("bug")], ids=["failure", "bug"])
async def test_after_a_failure_of_ours_the_same_key_is_tried_again(make: MakeBench, error: Exception) -> None:
    """The second try does the work, and is on record once."""
    bench = make()
    bench.decider.errors = [error]
    with pytest.raises(type(error)):
        await bench.inspect("k-1")
    inspection = await bench.inspect("k-1")
    assert [inspection.inspection_id] == await bench.recorded()


async def test_whoever_goes_away_during_the_work_can_come_back(make: MakeBench) -> None:
    """The key is free again as soon as the work has been given up."""
    bench = make()
    bench.decider.delay_s = 30
    running = asyncio.ensure_future(bench.inspect("k-1"))
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    bench.decider.delay_s = 0
    assert not (await bench.answered("k-1")).replayed


async def test_what_was_decided_is_recorded_although_the_caller_left(make: MakeBench) -> None:
    """A line that breaks at the last moment costs no record; the next try gets it."""
    bench = make()
    bench.archive.delay_s = 0.2
    running = asyncio.ensure_future(bench.inspect("k-1"))
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bench.inspector.settled()
    (recorded,) = await bench.recorded()
    again = await bench.answered("k-1")
    assert (recorded, True) == (again.inspection.inspection_id, again.replayed)


async def test_callers_who_left_make_no_room_before_their_frames_are_on_record(make: MakeBench) -> None:
    """What is still being written is held in memory, and counts as taken on."""
    bench = make(max_taken_on=1)
    bench.archive.delay_s = 0.3
    running = asyncio.ensure_future(bench.inspect())
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with pytest.raises(Overloaded, match="1 inspections"):
        await bench.inspect()
    await bench.inspector.settled()
    await bench.inspect()
    bench.assert_balanced()


async def test_whoever_goes_away_while_a_key_is_claimed_leaves_it_free(make: MakeBench, database: Database) -> None:
    """The claim may be committed by then: it is given back, and need not wait for the end of its lease."""
    late = make(database=LateDatabase(database, delay_s=0.3))
    running = asyncio.ensure_future(late.inspect("k-1"))
    await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not (await make().answered("k-1")).replayed


async def test_a_database_that_stands_still_holds_no_answer_up(make: MakeBench, database: Database) -> None:
    """Whose frame has failed is told so soon, whether its key could be given back by then or not."""
    late = LateDatabase(database, delay_s=0)
    bench = make(database=late)
    bench.decider.delay_s, bench.decider.errors = 0.3, [ModelFailure("The model failed.")]
    running = asyncio.ensure_future(bench.inspect("k-1"))
    await asyncio.sleep(0.15)
    late.delay_s = 30
    with pytest.raises(ModelFailure):
        await asyncio.wait_for(running, 5)
    bench.assert_balanced()


async def test_a_key_that_is_claimed_anew_is_not_forgotten(make: MakeBench, database: Database) -> None:
    """Its last use had expired when the tidying began; what came meanwhile counts."""
    await make().inspect("k-1")
    async with database.writing() as connection:
        await connection.execute(update(idempotency_keys).values(expires_at_us=0))
    async with database.writing() as connection:
        await connection.execute(update(idempotency_keys).values(expires_at_us=2**60))
        tidying = asyncio.ensure_future(claims.tidy(database))
        await asyncio.sleep(0.2)
    assert await tidying == 0
    assert (await make().answered("k-1")).replayed


async def test_a_gateway_that_died_is_succeeded_when_its_lease_ends(make: MakeBench) -> None:
    """Before, the key is in use; then another try takes it over, and what the dead one might still write is refused."""
    bench, order = make(), InspectionOrder(recipe="spot")
    sha256 = hashlib.sha256(FRAME.data).hexdigest()
    dead = await bench.records.claim(Submission(ANYONE, "k-1"), fingerprint(order, sha256), lasts_s=1 - LEASE_MARGIN_S)
    assert isinstance(dead, Claim)
    with pytest.raises(RequestInProgress):
        await bench.inspect("k-1")
    await asyncio.sleep(1)
    inspection = await bench.inspect("k-1")
    with pytest.raises(RequestInProgress):
        await bench.records.record(inspection.model_copy(update={"inspection_id": str(uuid7())}), None, dead)
    assert [inspection.inspection_id] == await bench.recorded()


@pytest.mark.parametrize("error", [DiskFull("The disk is full."), ArchiveUnavailable("Not now.")])
async def test_without_its_pictures_a_frame_is_not_answered(make: MakeBench, error: FlawgateError) -> None:
    """No record names pictures that are not there; the same key works once there is room again."""
    bench = make()
    bench.archive.error = error
    with pytest.raises(type(error)):
        await bench.inspect("k-1")
    assert await bench.recorded() == []
    bench.archive.error = None
    assert [(await bench.inspect("k-1")).inspection_id] == await bench.recorded()
    bench.assert_balanced()


async def test_what_cannot_be_recorded_is_not_answered(make: MakeBench) -> None:
    """Without its table, the database takes no record: an error that a retry may help, and nothing half written."""
    bench = make()
    async with bench.database.writing() as connection:
        await connection.execute(text("ALTER TABLE events RENAME TO away"))
    with pytest.raises((FlawgateError, DBAPIError)):
        await bench.inspect("k-1")
    assert await bench.recorded() == []
    async with bench.database.writing() as connection:
        await connection.execute(text("ALTER TABLE away RENAME TO events"))
    assert [(await bench.inspect("k-1")).inspection_id] == await bench.recorded()


async def test_expired_keys_are_forgotten(make: MakeBench) -> None:
    """After its time a key begins anew, and its row goes."""
    bench = make()
    await bench.inspect("k-1")
    async with bench.database.writing() as connection:
        await connection.execute(update(idempotency_keys).values(expires_at_us=1))
    assert await claims.tidy(bench.database) == 1
    assert await claims.tidy(bench.database) == 0
    assert not (await bench.answered("k-1")).replayed
