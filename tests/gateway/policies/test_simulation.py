from collections.abc import Sequence
from datetime import timedelta

import pytest
from support.policies import PolicyBench
from support.records import START, inspection, recorded
from support.reviewed import review
from support.tiny_kinds import MARKS

from flawgate_contracts.errors import InvalidParameter, UnknownPolicy, UnknownRecipe
from flawgate_contracts.recipe import AreaLimits, Policy
from flawgate_gateway.answer import Box, Defect, Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.policies.simulation import Simulator
from flawgate_gateway.policies.whatif import Outcome, SimulationRequest
from flawgate_imaging.policy import evaluate

SCORES = (0.0, 0.1, 0.5, 0.7, 0.799999, 0.8, 0.800001, 0.849999, 0.85, 0.850001, 0.9, 0.949999, 0.95, 1.0)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(threshold=0.85, guard_band=0.05),
        Policy(threshold=0.95, guard_band=0.1),
        Policy(threshold=0.3, guard_band=0.2),
        Policy(threshold=0.7, guard_band=0.7),
        Policy(threshold=0.0),
        Policy(threshold=1.0, guard_band=1.0),
    ],
    ids=lambda policy: f"{policy.threshold} {policy.guard_band}",
)
async def test_the_database_judges_scores_as_decision_does(database: Database, policy: Policy) -> None:
    """At the threshold, at the band's edge, and a millionth beside them."""
    await recorded(database, [inspection(minute, score=score) for minute, score in enumerate(SCORES)])
    told = await PolicyBench(database).simulator.simulate(SimulationRequest(recipe="spot", policy=policy))
    expected = [evaluate(score, {}, policy).evaluation for score in SCORES]
    assert {evaluation: expected.count(evaluation) for evaluation in set(expected)} == {
        outcome.proposed: outcome.count for outcome in told.outcomes
    }
    assert (told.records, told.truncated, told.not_simulated) == (len(SCORES), False, {})


async def test_a_policy_is_held_against_what_was_decided_and_what_people_said(database: Database) -> None:
    """Of each inspection the latest review counts; mistakes are named, and shares are of all records."""
    good, doubtful, bad, missed = (
        inspection(minute, score=score, evaluation=evaluation)
        for minute, (score, evaluation) in enumerate([(0.1, "OK"), (0.86, "OK"), (0.95, "NOT_OK"), (0.5, "OK")])
    )
    await recorded(database, [good, doubtful, bad, missed])
    await review(database, good.inspection_id, "OK")
    await review(database, doubtful.inspection_id, "NOT_OK", "OK")
    await review(database, bad.inspection_id, "NOT_OK")
    await review(database, missed.inspection_id, "OK", "NOT_OK")
    told = await PolicyBench(database).simulator.simulate(
        SimulationRequest(recipe="spot", policy=Policy(threshold=0.85))
    )
    assert set(told.outcomes) == {
        Outcome(decided="OK", proposed="OK", reviewed="OK", count=1),
        Outcome(decided="OK", proposed="NOT_OK", reviewed="OK", count=1),
        Outcome(decided="NOT_OK", proposed="NOT_OK", reviewed="NOT_OK", count=1),
        Outcome(decided="OK", proposed="OK", reviewed="NOT_OK", count=1),
    }
    assert (told.reviewed, told.rejected_share.decided, told.rejected_share.proposed) == (4, 0.25, 0.5)
    assert (told.undecided_share.decided, told.undecided_share.proposed) == (0.0, 0.0)
    assert (told.missed.decided, told.missed.proposed) == (1, 1)
    assert (told.false_alarms.decided, told.false_alarms.proposed) == (0, 1)
    assert (told.missed.examples, told.false_alarms.examples) == ((missed.inspection_id,), (doubtful.inspection_id,))


async def test_only_the_records_that_are_asked_for_are_judged(database: Database) -> None:
    """By recipe, time, version, station; of no records there are no shares."""
    await recorded(
        database,
        [
            inspection(0),
            inspection(10),
            inspection(10, station="S2"),
            inspection(10, recipe_version="2"),
            inspection(10, recipe="other"),
        ],
    )
    simulator = PolicyBench(database).simulator
    for asked, expected in (
        ({}, 4),
        ({"decided_from": START + timedelta(minutes=5)}, 3),
        ({"decided_from": START + timedelta(minutes=5), "station": "S1"}, 2),
        ({"decided_from": START + timedelta(minutes=5), "station": "S1", "recipe_version": "2"}, 1),
        ({"lot": "none"}, 0),
    ):
        told = await simulator.simulate(SimulationRequest(recipe="spot", policy=Policy(), **asked))
        assert (expected, expected == 0) == (told.records, told.rejected_share.decided is None)


async def test_what_was_never_looked_at_cannot_be_judged_again(database: Database) -> None:
    """It is counted apart, and in no share."""
    await recorded(database, [inspection(0), inspection(1, score=None, evaluation="NOT_DECIDABLE")])
    told = await PolicyBench(database).simulator.simulate(SimulationRequest(recipe="spot", policy=Policy()))
    assert (told.records, told.not_simulated, told.undecided_share.decided) == (2, {"NO_SCORE": 1}, 0.0)


async def test_more_records_than_are_looked_at_are_said_to_be_more(database: Database) -> None:
    """The latest are looked at."""
    bench = PolicyBench(database)
    await recorded(database, [inspection(minute, score=minute / 10) for minute in range(5)])
    request = SimulationRequest(recipe="spot", policy=Policy(threshold=0.3))
    for limit, expected in ((4, (4, True)), (5, (5, False))):
        told = await Simulator(database, bench.recipes, max_scores=limit).simulate(request)
        assert expected == (told.records, told.truncated)
        assert {outcome.proposed: outcome.count for outcome in told.outcomes}["NOT_OK"] == 2


def marked(minute: int, areas: Sequence[int], *, policy_version: str = "1", **changes: object) -> Inspection:
    """A record of the recipe `marks` with stains of these areas."""
    box = Box(x=0, y=0, width=1, height=1)
    stains = [Defect(box=box, area_px=area, area_mm2=None, peak=0.9, class_name="stain") for area in areas]
    fields = {"recipe": "marks", "defects": stains, "policy_version": policy_version, "evaluation": "OK"}
    return inspection(minute, **{**fields, **changes})


@pytest.mark.parametrize("areas", [{}, {"stain": AreaLimits(max_px=100)}], ids=["by score", "by area"])
async def test_scores_of_models_that_were_not_to_be_trusted_say_nothing(
    database: Database, areas: dict[str, AreaLimits]
) -> None:
    """No policy would have made an OK of them: their golden frames were judged wrongly when they were given."""
    bench = PolicyBench(database, recipe=MARKS.recipe)
    untrusted = {"evaluation": "NOT_DECIDABLE", "reason": "GOLDEN_CHECK_FAILED"}
    await recorded(database, [marked(0, []), marked(1, [], **untrusted), marked(2, [], **untrusted)])
    told = await bench.simulator.simulate(SimulationRequest(recipe="marks", policy=Policy(areas=areas)))
    assert told.not_simulated == {"NOT_TRUSTED": 2}
    assert [(outcome.proposed, outcome.count) for outcome in told.outcomes] == [("OK", 1)]


async def test_a_policy_on_areas_judges_the_defects_on_record(database: Database) -> None:
    """Small ones left out, as it says; where the defects of all are not known, the record is counted apart."""
    bench = PolicyBench(database, recipe=MARKS.recipe)
    version = await bench.drafted(mask_threshold=0.5, min_defect_area_px=20, areas={"stain": AreaLimits(max_px=1)})
    other = await bench.drafted(mask_threshold=0.7, areas={"stain": AreaLimits(max_px=1)})
    bad = marked(2, [40, 61])
    await recorded(
        database,
        [
            marked(0, [100]),
            marked(1, [100, 9]),
            bad,
            marked(3, [3] * 100),
            marked(4, [50], policy_version=version),
            marked(5, [50], policy_version=other),
            marked(6, [50], policy_version="p77"),
            marked(7, [50], recipe_version="0"),
            marked(8, [], score=None),
        ],
    )
    await review(database, bad.inspection_id, "OK")
    policy = Policy(min_defect_area_px=10, areas={"stain": AreaLimits(max_px=100)})
    told = await bench.simulator.simulate(SimulationRequest(recipe="marks", policy=policy))
    assert told.not_simulated == {"NO_SCORE": 1, "OTHER_MASK": 4, "TOO_MANY_DEFECTS": 1}
    assert [(outcome.proposed, outcome.reviewed, outcome.count) for outcome in told.outcomes] == [
        ("NOT_OK", "OK", 1),
        ("OK", None, 2),
    ]
    assert told.false_alarms.examples == (bad.inspection_id,)
    limited = await Simulator(database, bench.recipes, max_areas=8).simulate(
        SimulationRequest(recipe="marks", policy=policy)
    )
    assert (limited.records, limited.truncated) == (8, True)


async def test_a_policy_that_there_is_already_is_tried_by_its_name(database: Database) -> None:
    """A draft before its activation, or the recipe's own."""
    bench = PolicyBench(database)
    await recorded(database, [inspection(0, score=0.85)])
    version = await bench.drafted(threshold=0.5)
    for proposed, expected in ((version, "NOT_OK"), ("own", "NOT_DECIDABLE")):
        told = await bench.simulator.simulate(SimulationRequest(recipe="spot", proposed_version=proposed))
        assert [expected] == [outcome.proposed for outcome in told.outcomes]
    with pytest.raises(UnknownPolicy):
        await bench.simulator.simulate(SimulationRequest(recipe="spot", proposed_version="p9"))
    with pytest.raises(UnknownRecipe):
        await bench.simulator.simulate(SimulationRequest(recipe="nowhere", policy=Policy()))
    areas = Policy(areas={"crack": AreaLimits(max_px=1)})
    with pytest.raises(InvalidParameter, match="no class is named crack"):
        await bench.simulator.simulate(SimulationRequest(recipe="spot", policy=areas))


@pytest.mark.parametrize("fields", [{}, {"policy": {}, "proposed_version": "p1"}])
def test_one_policy_is_tried_at_a_time(fields: dict[str, object]) -> None:
    """Neither none nor two."""
    with pytest.raises(ValueError, match="either `policy` or `proposed_version`"):
        SimulationRequest.model_validate({"recipe": "spot", **fields})
