import asyncio
import hashlib
from dataclasses import dataclass, field

import pytest
from support.gateway_fakes import SPOT_DEFECT, CountingObserver, FakeDecider, FakePreprocessor, ready
from support.tiny_repository import spot_recipe

from flawgate_contracts.context import bound, new_context
from flawgate_contracts.errors import (
    BrokenRecipe,
    DeadlineExceeded,
    FlawgateError,
    InvalidFrame,
    ModelFailure,
    Overloaded,
    RecipeChanged,
    RecipeUnavailable,
    UnknownInspection,
    UnknownRecipe,
)
from flawgate_gateway.core import Arrival, Inspector
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.store import InspectionStore

FRAME = Frame(b"a picture")
CHANGED = RecipeChanged("Another version was promoted.")


@dataclass
class Bench:
    """An inspector over fakes."""

    max_in_progress: int = 4
    deadline_s: float = 5.0
    preprocessor: FakePreprocessor = field(default_factory=FakePreprocessor)
    decider: FakeDecider = field(default_factory=FakeDecider)
    observer: CountingObserver = field(default_factory=CountingObserver)

    def __post_init__(self) -> None:
        self.store = InspectionStore(max_inspections=10, max_bytes=10**6)
        self.inspector = Inspector(
            self.preprocessor,
            self.decider,
            RecipeBook(self.decider, ttl_s=60),
            self.store,
            self.observer,
            max_in_progress=self.max_in_progress,
            deadline_s=self.deadline_s,
        )

    async def inspect(self, **fields: object) -> object:
        """Inspect the frame with the recipe `spot`, unless told otherwise."""
        order = InspectionOrder.model_validate({"recipe": "spot", **fields})
        return await self.inspector.inspect(FRAME, order, Arrival.now())

    def assert_balanced(self) -> None:
        """Whatever was begun has ended, with an evaluation or as a failure."""
        assert self.observer.begun == self.observer.ended
        refused = self.observer.failures["OVERLOADED"]
        ended = self.observer.evaluations.total() + self.observer.failures.total() - refused
        assert ended == self.observer.begun


async def test_a_frame_goes_through_preprocessing_and_decision() -> None:
    """The recipe's steps are asked of preprocessing, its models of decision, and the answer says all of it."""
    bench = Bench()
    with bound(new_context({"x-request-id": "mes-7"})) as context:
        inspection = await bench.inspector.inspect(
            FRAME, InspectionOrder(recipe="spot", part="SN-1", station="S4"), Arrival.now()
        )
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


async def test_an_inspection_is_kept_with_what_its_pictures_are_drawn_from() -> None:
    """The store has it as soon as the answer is there."""
    bench = Bench()
    inspection = await bench.inspector.inspect(FRAME, InspectionOrder(recipe="spot"), Arrival.now())
    kept, evidence = bench.store.get(inspection.inspection_id)
    assert kept is inspection
    assert evidence.frame is FRAME
    assert evidence.recipe == spot_recipe()
    assert evidence.mask is not None
    assert evidence.mask.shape == (1, 4, 3)


async def test_the_stages_of_an_inspection_are_counted() -> None:
    """Those of the gateway contain those of the services."""
    bench = Bench()
    bench.preprocessor.delay_s = bench.decider.delay_s = 0.02
    await bench.inspect()
    (stages,) = bench.observer.stages
    assert set(stages) == {"preprocess", "decode", "steps", "decide", "infer", "policy"}
    assert stages["preprocess"] >= 0.02
    assert stages["decide"] >= 0.02
    assert bench.observer.evaluations == {"NOT_OK": 1}


async def test_a_recipe_that_changed_is_tried_once_more_with_the_new_one() -> None:
    """A promotion in mid-flight costs the caller nothing: pre-processing is done again for the new version."""
    bench = Bench()
    new = spot_recipe().model_copy(update={"version": "2"})
    await bench.inspect()
    bench.decider.errors = [CHANGED]
    bench.decider.listed = [ready(new)]
    inspection = await bench.inspector.inspect(FRAME, InspectionOrder(recipe="spot"), Arrival.now())
    assert inspection.recipe_version == "2"
    assert [recipe.version for recipe in bench.decider.decided] == ["1", "1", "2"]
    assert len(bench.preprocessor.frames) == 3
    bench.assert_balanced()


async def test_a_recipe_that_changes_again_is_an_error() -> None:
    """One retry, not an endless chase."""
    bench = Bench()
    bench.decider.errors = [CHANGED, CHANGED]
    with pytest.raises(RecipeChanged):
        await bench.inspect()
    assert len(bench.decider.decided) == 2
    assert bench.observer.failures == {"RECIPE_CHANGED": 1}
    bench.assert_balanced()


@pytest.mark.parametrize("slow", ["preprocessor", "decider"])
async def test_a_deadline_that_passes_is_never_an_evaluation(slow: str) -> None:
    """The work is ended, nothing is kept, and the sentence names the time that was given."""
    bench = Bench()
    getattr(bench, slow).delay_s = 30
    with pytest.raises(DeadlineExceeded, match=r"within 0\.05 s.*deadline_ms"):
        await bench.inspect(deadline_ms=50)
    assert bench.observer.failures == {"DEADLINE_EXCEEDED": 1}
    assert not bench.observer.evaluations
    bench.assert_balanced()


async def test_without_a_stated_deadline_the_settings_one_holds() -> None:
    """No inspection runs for ever."""
    bench = Bench(deadline_s=0.05)
    bench.decider.delay_s = 30
    with pytest.raises(DeadlineExceeded):
        await bench.inspect()
    assert bench.decider.cancelled == 1


async def test_a_deadline_that_passed_while_the_frame_came_ends_it_before_any_work() -> None:
    """The clock runs from the arrival of the request, not from the end of the upload."""
    bench = Bench()
    arrival = Arrival.now()
    await asyncio.sleep(0.02)
    with pytest.raises(DeadlineExceeded):
        await bench.inspector.inspect(FRAME, InspectionOrder(recipe="spot", deadline_ms=1), arrival)
    assert not bench.preprocessor.frames
    bench.assert_balanced()


async def test_more_than_the_bound_is_refused_until_there_is_room() -> None:
    """The caller is told to come back, and the frames that were taken on are not disturbed."""
    bench = Bench(max_in_progress=2)
    bench.decider.delay_s = 0.1
    running = [asyncio.ensure_future(bench.inspect()) for _ in range(2)]
    await asyncio.sleep(0.02)
    with pytest.raises(Overloaded, match="2 inspections"):
        await bench.inspect()
    await asyncio.gather(*running)
    await bench.inspect()
    assert bench.observer.evaluations == {"NOT_OK": 3}
    assert bench.observer.failures == {"OVERLOADED": 1}
    bench.assert_balanced()


async def test_a_cancelled_inspection_is_counted_and_ends_the_work() -> None:
    """Whoever goes away leaves nothing running."""
    bench = Bench()
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
async def test_every_failure_is_counted_by_its_reason(error: Exception, counted: str) -> None:
    """Errors go through as they are, bugs too, and none leaves the counts unbalanced."""
    bench = Bench()
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
async def test_a_recipe_that_cannot_be_used_costs_no_work(listed: ListedRecipe, expected: type[FlawgateError]) -> None:
    """The frame is refused, with the reason, before it is decoded."""
    bench = Bench()
    bench.decider.listed = [listed]
    with pytest.raises(expected) as caught:
        await bench.inspect()
    assert caught.value.metadata == {"recipe": "spot"}
    assert listed.detail in caught.value.message
    assert not bench.preprocessor.frames
    bench.assert_balanced()


def test_an_inspection_that_was_never_made_is_unknown() -> None:
    """The sentence says what is kept."""
    with pytest.raises(UnknownInspection, match="latest 10"):
        Bench().store.get("01a1fd48-1c43-75e7-821b-7540ae758d07")
