import asyncio
import hashlib

import pytest
from support.gateway_fakes import SPOT_DEFECT, ready
from support.inspector_bench import FRAME, MakeBench, make, told
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
from flawgate_gateway.core import Arrival
from flawgate_gateway.frames import InspectionOrder
from flawgate_gateway.ports import STAGES, ListedRecipe
from flawgate_gateway.variants.judging import TRIES

__all__ = ["make"]

CHANGED = RecipeChanged("Another version was promoted.")


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


async def test_every_stage_is_measured_by_itself(make: MakeBench) -> None:
    """From the wait for a place to the record; those of the answer are the same measurements."""
    bench = make()
    bench.preprocessor.delay_s, bench.decider.delay_s, bench.archive.delay_s = 0.02, 0.04, 0.06
    inspection = await bench.inspect()
    assert {stage: len(times) for stage, times in bench.observer.timed.items()} == dict.fromkeys(STAGES, 1)
    timed = {stage: times[0] for stage, times in bench.observer.timed.items()}
    assert (timed["wait"], round(timed["decide"], 6)) == (0, inspection.stage_seconds["decide"])
    assert 0.02 <= timed["preprocess"] < timed["decide"] < timed["archive"]


@pytest.mark.parametrize("slow", ["preprocessor", "decider"])
async def test_a_stage_that_did_not_end_in_time_is_measured_too(make: MakeBench, slow: str) -> None:
    """Else a stage that hangs would look as fast as ever."""
    bench = make()
    getattr(bench, slow).delay_s = 30
    with pytest.raises(DeadlineExceeded):
        await bench.inspect(deadline_ms=200)
    stage = {"preprocessor": "preprocess", "decider": "decide"}[slow]
    assert bench.observer.timed[stage][0] > 0.1


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


async def test_a_recipe_that_changes_again_and_again_is_an_error(make: MakeBench) -> None:
    """Some tries, not an endless chase."""
    bench = make()
    bench.decider.errors = [CHANGED] * TRIES
    with pytest.raises(RecipeChanged):
        await bench.inspect()
    assert len(bench.decider.decided) == TRIES
    assert bench.observer.failures == {"RECIPE_CHANGED": 1}
    bench.assert_balanced()


async def test_decisions_that_change_over_one_after_the_other_cost_no_frame(make: MakeBench) -> None:
    """Calls go round several: the list may come from one that has the new version, the frame to one that has not."""
    bench = make()
    bench.decider.errors = [CHANGED] * (TRIES - 1)
    assert (await bench.inspect()).evaluation == "NOT_OK"
    assert not bench.observer.failures
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
    assert bench.observer.rejections == {"too_many": 1}
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
