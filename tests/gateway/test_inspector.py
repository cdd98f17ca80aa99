import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from support.gateway_fakes import SPOT_DEFECT, CountingObserver, FakeArchive, FakeDecider, FakePreprocessor, ready
from support.tiny_repository import spot_recipe
from uuid_utils import uuid7

from flawgate_contracts.context import bound, new_context
from flawgate_contracts.errors import (
    ArchiveUnavailable,
    BrokenRecipe,
    DeadlineExceeded,
    DiskFull,
    FlawgateError,
    IdempotencyKeyReused,
    InvalidFrame,
    ModelFailure,
    Overloaded,
    RecipeChanged,
    RecipeUnavailable,
    RequestInProgress,
    UnknownInspection,
    UnknownRecipe,
)
from flawgate_gateway.access.caller import ANYONE, Caller, Scope
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.answer import Inspection
from flawgate_gateway.core import Answered, Arrival, Inspector, Way
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import idempotency_keys, inspections
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records import claims
from flawgate_gateway.records.book import LEASE_MARGIN_S, RecordBook
from flawgate_gateway.records.claims import Claim
from flawgate_gateway.records.submission import Submission, fingerprint

FRAME = Frame(b"a picture")
CHANGED = RecipeChanged("Another version was promoted.")


@dataclass
class Bench:
    """An inspector over fakes, and a book of records in a real database."""

    database: Database
    max_in_progress: int = 4
    max_waiting: int = 4
    max_taken_on: int = 8
    deadline_s: float = 5.0
    preprocessor: FakePreprocessor = field(default_factory=FakePreprocessor)
    decider: FakeDecider = field(default_factory=FakeDecider)
    observer: CountingObserver = field(default_factory=CountingObserver)
    archive: FakeArchive = field(default_factory=FakeArchive)

    def __post_init__(self) -> None:
        self.records = RecordBook(self.database, sinks=("mes",), expires_s=3600, written=lambda: None)
        gate = AdmissionGate(max_in_progress=self.max_in_progress, max_waiting=self.max_waiting)
        recipes = RecipeBook(self.decider, ttl_s=60)
        way = Way(self.preprocessor, self.decider, recipes, gate, self.archive, self.records)
        self.inspector = Inspector(way, self.observer, max_taken_on=self.max_taken_on, deadline_s=self.deadline_s)

    async def inspect(self, key: str | None = None, **fields: object) -> Inspection:
        """Inspect the frame with the recipe `spot`, unless told otherwise."""
        return (await self.answered(key, **fields)).inspection

    async def answered(self, key: str | None = None, **fields: object) -> Answered:
        """The same, and whether it was replayed."""
        order = InspectionOrder.model_validate({"recipe": "spot", **fields})
        return await self.inspector.inspect(FRAME, order, Arrival.now(), Submission(ANYONE, key))

    async def recorded(self) -> list[str]:
        """Ids of all records, in no order."""
        async with self.database.reading() as connection:
            return list((await connection.execute(select(inspections.c.id))).scalars())

    def assert_balanced(self) -> None:
        """Whatever was begun has ended, with an evaluation or as a failure."""
        assert self.observer.begun == self.observer.ended
        refused = self.observer.failures["OVERLOADED"]
        ended = self.observer.evaluations.total() + self.observer.replays + self.observer.failures.total() - refused
        assert ended == self.observer.begun


class LateDatabase(Database):
    """A database whose word that something is written comes late."""

    def __init__(self, database: Database, *, delay_s: float) -> None:
        super().__init__(database._engine)
        self.has_tables = True
        self._delay_s = delay_s

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """See `Database`."""
        async with super().writing() as connection:
            yield connection
        await asyncio.sleep(self._delay_s)


MakeBench = Callable[..., Bench]


def told(inspection: Inspection) -> str:
    """An inspection as a caller gets it."""
    return inspection.model_dump_json()


@pytest.fixture
def make(database: Database) -> MakeBench:
    """Makes benches over one database."""
    return partial(Bench, database=database)


async def test_a_frame_goes_through_preprocessing_and_decision(make: MakeBench) -> None:
    """The recipe's steps are asked of preprocessing, its models of decision, and the answer says all of it."""
    bench = make()
    with bound(new_context({"x-request-id": "mes-7"})) as context:
        inspection = await bench.inspect(part="SN-1", station="S4")
    assert bench.preprocessor.frames == [FRAME]
    assert bench.preprocessor.steps == [spot_recipe().steps]
    assert bench.decider.decided == [spot_recipe()]
    assert (inspection.evaluation, inspection.score, inspection.reason) == ("NOT_OK", 1.0, "SCORE_ABOVE_THRESHOLD")
    assert inspection.defects == (SPOT_DEFECT,)
    assert inspection.frame.model_dump() == {
        "width": 24,
        "height": 32,
        "sha256": hashlib.sha256(FRAME.data).hexdigest(),
    }
    assert (inspection.part, inspection.station, inspection.lot) == ("SN-1", "S4", None)
    assert (inspection.request_id, inspection.trace_id) == ("mes-7", context.trace_id)
    assert inspection.received_at <= inspection.decided_at
    bench.assert_balanced()


async def test_an_inspection_is_on_record_with_its_pictures_before_it_is_answered(make: MakeBench) -> None:
    """The book has it, and the archive what its pictures are drawn from."""
    bench = make()
    inspection = await bench.inspect(part="SN-1")
    assert told(inspection) == told(await bench.records.get(inspection.inspection_id))
    archived = await bench.records.archived(inspection.inspection_id)
    assert archived is not None
    evidence = await bench.archive.get(archived)
    assert evidence.frame is FRAME
    assert evidence.mask is not None
    assert evidence.mask.shape == (1, 4, 3)
    here = f"/v1/inspections/{inspection.inspection_id}"
    links = {"self": here, "frame": f"{here}/frame", "mask": f"{here}/mask.png", "overlay": f"{here}/overlay.png"}
    assert links == inspection.links.model_dump()


async def test_the_stages_of_an_inspection_are_counted(make: MakeBench) -> None:
    """Those of the gateway contain those of the services."""
    bench = make()
    bench.preprocessor.delay_s = bench.decider.delay_s = 0.02
    await bench.inspect()
    (stages,) = bench.observer.stages
    assert set(stages) == {"preprocess", "decode", "steps", "decide", "infer", "policy"}
    assert stages["preprocess"] >= 0.02
    assert stages["decide"] >= 0.02
    assert bench.observer.evaluations == {"NOT_OK": 1}


async def test_a_recipe_that_changed_is_tried_once_more_with_the_new_one(make: MakeBench) -> None:
    """A promotion in mid-flight costs the caller nothing: pre-processing is done again for the new version."""
    bench = make()
    new = spot_recipe().model_copy(update={"version": "2"})
    await bench.inspect()
    bench.decider.errors = [CHANGED]
    bench.decider.listed = [ready(new)]
    inspection = await bench.inspect()
    assert inspection.recipe_version == "2"
    assert [recipe.version for recipe in bench.decider.decided] == ["1", "1", "2"]
    assert len(bench.preprocessor.frames) == 3
    bench.assert_balanced()


async def test_a_recipe_that_changes_again_is_an_error(make: MakeBench) -> None:
    """One retry, not an endless chase."""
    bench = make()
    bench.decider.errors = [CHANGED, CHANGED]
    with pytest.raises(RecipeChanged):
        await bench.inspect()
    assert len(bench.decider.decided) == 2
    assert bench.observer.failures == {"RECIPE_CHANGED": 1}
    bench.assert_balanced()


@pytest.mark.parametrize("slow", ["preprocessor", "decider"])
async def test_a_deadline_that_passes_is_never_an_evaluation(make: MakeBench, slow: str) -> None:
    """The work is ended, nothing is kept, and the sentence names the time that was given."""
    bench = make()
    getattr(bench, slow).delay_s = 30
    with pytest.raises(DeadlineExceeded, match=r"within 0\.05 s.*deadline_ms"):
        await bench.inspect(deadline_ms=50)
    assert bench.observer.failures == {"DEADLINE_EXCEEDED": 1}
    assert not bench.observer.evaluations
    bench.assert_balanced()


async def test_without_a_stated_deadline_the_settings_one_holds(make: MakeBench) -> None:
    """No inspection runs for ever."""
    bench = make(deadline_s=0.05)
    bench.decider.delay_s = 30
    with pytest.raises(DeadlineExceeded):
        await bench.inspect()
    assert bench.decider.cancelled == 1


async def test_a_deadline_that_passed_while_the_frame_came_ends_it_before_any_work(make: MakeBench) -> None:
    """The clock runs from the arrival of the request, not from the end of the upload."""
    bench = make()
    arrival = Arrival.now()
    await asyncio.sleep(0.02)
    with pytest.raises(DeadlineExceeded):
        await bench.inspector.inspect(FRAME, InspectionOrder(recipe="spot", deadline_ms=1), arrival)
    assert not bench.preprocessor.frames
    bench.assert_balanced()


async def test_more_than_the_bound_is_refused_until_there_is_room(make: MakeBench) -> None:
    """The caller is told to come back, and the frames that were taken on are not disturbed."""
    bench = make(max_taken_on=2)
    bench.decider.delay_s = 0.2
    running = [asyncio.ensure_future(bench.inspect()) for _ in range(2)]
    await asyncio.sleep(0.02)
    with pytest.raises(Overloaded, match="2 inspections"):
        await bench.inspect()
    await asyncio.gather(*running)
    await bench.inspect()
    assert bench.observer.evaluations == {"NOT_OK": 3}
    assert bench.observer.failures == {"OVERLOADED": 1}
    bench.assert_balanced()


async def test_a_frame_that_cannot_make_its_deadline_is_not_decidable_at_once(make: MakeBench) -> None:
    """It is on record, with the reason and without a score, and no service has seen it."""
    bench = make(max_in_progress=1)
    bench.decider.delay_s = 0.3
    await bench.inspect()
    running = asyncio.ensure_future(bench.inspect())
    await asyncio.sleep(0.05)
    inspection = await bench.inspect(deadline_ms=250, part="SN-9")
    assert (
        inspection.evaluation,
        inspection.reason,
        inspection.score,
    ) == ("NOT_DECIDABLE", "DEADLINE_UNREACHABLE", None)
    assert not running.done()
    links = inspection.links
    assert (links.frame, links.mask, links.overlay) == (f"{links.self}/frame", None, None)
    assert told(inspection) == told(await bench.records.get(inspection.inspection_id))
    await running
    assert len(bench.preprocessor.frames) == 2
    bench.assert_balanced()


async def test_a_cancelled_inspection_is_counted_and_ends_the_work(make: MakeBench) -> None:
    """Whoever goes away leaves nothing running."""
    bench = make()
    bench.decider.delay_s = 30
    running = asyncio.ensure_future(bench.inspect())
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bench.decider.cancelled == 1
    assert bench.observer.failures == {"REQUEST_CANCELLED": 1}
    bench.assert_balanced()


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (ModelFailure("The model failed."), "MODEL_FAILURE"),
        (InvalidFrame("Not a picture."), "INVALID_FRAME"),
        (ZeroDivisionError("bug"), "INTERNAL_ERROR"),
        (TimeoutError("somebody else's"), "INTERNAL_ERROR"),
    ],
    ids=["model", "frame", "bug", "timeout that is not ours"],
)
async def test_every_failure_is_counted_by_its_reason(make: MakeBench, error: Exception, counted: str) -> None:
    """Errors go through as they are, bugs too, and none leaves the counts unbalanced."""
    bench = make()
    bench.decider.errors = [error]
    with pytest.raises(type(error)):
        await bench.inspect()
    assert bench.observer.failures == {counted: 1}
    bench.assert_balanced()
    await bench.inspect()


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (ListedRecipe("spot", "UNAVAILABLE", "It needs spot_cls.", spot_recipe()), RecipeUnavailable),
        (ListedRecipe("spot", "BROKEN", "Its JSON ends early.", None), BrokenRecipe),
        (ready(spot_recipe(name="other")), UnknownRecipe),
    ],
    ids=["unavailable", "broken", "unknown"],
)
async def test_a_recipe_that_cannot_be_used_costs_no_work(
    make: MakeBench, listed: ListedRecipe, expected: type[FlawgateError]
) -> None:
    """The frame is refused, with the reason, before it is decoded."""
    bench = make()
    bench.decider.listed = [listed]
    with pytest.raises(expected) as caught:
        await bench.inspect()
    assert caught.value.metadata == {"recipe": "spot"}
    assert listed.detail in caught.value.message
    assert not bench.preprocessor.frames
    bench.assert_balanced()


@pytest.mark.parametrize("asked", ["01a1fd48-1c43-75e7-821b-7540ae758d07", "nonsense", "'; DROP TABLE inspections --"])
async def test_an_inspection_that_was_never_made_is_unknown(make: MakeBench, asked: str) -> None:
    """The sentence says where to look."""
    with pytest.raises(UnknownInspection, match="GET /v1/inspections"):
        await make().records.get(asked)


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
