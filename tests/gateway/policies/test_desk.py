import asyncio
import json

import pytest
from sqlalchemy import func, select
from support.gateway_fakes import ready
from support.policies import BY, PolicyBench, another
from support.tiny_kinds import MARKS
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import Conflict, InvalidParameter, UnknownPolicy, UnknownRecipe
from flawgate_contracts.recipe import AreaLimits, Policy
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import events, policies
from flawgate_gateway.policies.shelf import PolicyQuery, list_policies, read_history


async def test_a_draft_is_numbered_and_judges_nothing(database: Database) -> None:
    """Its name is what inspections will call it, whatever its author called it."""
    bench = PolicyBench(database)
    drafted = await bench.desk.draft("spot", Policy(version="mine", threshold=0.8), BY)
    assert (drafted.version, drafted.state, drafted.policy.version) == ("p1", "draft", "p1")
    assert (drafted.author, drafted.reason, drafted.policy.threshold) == (BY.author, BY.reason, 0.8)
    assert await bench.drafted() == "p2"
    assert spot_recipe().policy == await bench.judging()


async def test_an_activation_judges_at_once_and_retires_what_was_active(database: Database) -> None:
    """Of a recipe one version is active, and the history says who did what, and why."""
    bench = PolicyBench(database)
    for threshold in (0.8, 0.7):
        version = await bench.drafted(threshold=threshold)
        assert (await bench.desk.activate("spot", version, BY)).state == "active"
        assert (version, threshold) == ((await bench.judging()).version, (await bench.judging()).threshold)
    first, second = await read_history(database, "spot", "p1"), await read_history(database, "spot", "p2")
    assert [change.action for change in first.changes] == ["drafted", "activated", "replaced"]
    assert [change.action for change in second.changes] == ["drafted", "activated"]
    assert {(BY.author, BY.reason)} == {(change.author, change.reason) for change in first.changes}
    assert first.changes[0].changed_at <= first.changes[-1].changed_at <= second.changes[-1].changed_at
    assert (first.state, second.state) == ("retired", "active")


async def test_rollbacks_lead_back_step_by_step_to_the_recipes_own(database: Database) -> None:
    """What was in force before is in force again, and before all of it was the recipe's own policy."""
    bench = PolicyBench(database)
    for _ in range(2):
        await bench.desk.activate("spot", await bench.drafted(), BY)
    assert (await bench.desk.rollback("spot", BY)).version == (await bench.judging()).version == "p1"
    restored = await bench.desk.rollback("spot", BY)
    assert (restored.version, restored.policy) == ("own", spot_recipe().policy)
    assert spot_recipe().policy == await bench.judging()
    with pytest.raises(Conflict, match="its own policy"):
        await bench.desk.rollback("spot", BY)


async def test_retiring_the_active_version_leaves_the_recipes_own(database: Database) -> None:
    """A rollback brings the retired one back; a retired draft was never in force."""
    bench = PolicyBench(database)
    await bench.desk.activate("spot", await bench.drafted(threshold=0.5), BY)
    await bench.desk.retire("spot", await bench.drafted(), BY)
    assert (await bench.judging()).version == "p1"
    await bench.desk.retire("spot", "p1", BY)
    assert spot_recipe().policy == await bench.judging()
    assert (await bench.desk.rollback("spot", BY)).version == (await bench.judging()).version == "p1"


async def test_what_does_not_fit_the_state_is_refused(database: Database) -> None:
    """Each refusal says what stands, and changes nothing."""
    bench = PolicyBench(database)
    await bench.desk.activate("spot", await bench.drafted(), BY)
    await bench.desk.activate("spot", await bench.drafted(), BY)
    draft = await bench.drafted()
    for refused, said in (
        (bench.desk.activate("spot", "p2", BY), "active already"),
        (bench.desk.activate("spot", "p1", BY), "roll back to it"),
        (bench.desk.retire("spot", "p1", BY), "retired already"),
        (bench.desk.activate("spot", draft, BY, expected="p1"), "In force for recipe spot is p2, not p1"),
        (bench.desk.activate("spot", draft, BY, expected="own"), "is p2, not own"),
    ):
        with pytest.raises(Conflict, match=said):
            await refused
    assert (await bench.judging()).version == "p2"
    assert (await bench.desk.activate("spot", draft, BY, expected="p2")).version == draft


@pytest.mark.parametrize("version", ["p9", "p0", "9", "own", "p1 ", "p01", "p٣", "'; DROP TABLE policies;--", ""])
async def test_a_version_that_there_is_not_is_unknown(database: Database, version: str) -> None:
    """Whatever is written for one."""
    bench = PolicyBench(database)
    await bench.drafted()
    with pytest.raises(UnknownPolicy):
        await bench.desk.activate("spot", version, BY)
    with pytest.raises(UnknownPolicy):
        await read_history(database, "spot", version)


async def test_a_policy_must_fit_the_recipe_as_it_is_served(database: Database) -> None:
    """When it is drafted, and again when it is put in force: the recipe may have changed in between."""
    bench = PolicyBench(database, recipe=MARKS.recipe)
    with pytest.raises(InvalidParameter, match="no class is named crack"):
        await bench.drafted(areas={"crack": AreaLimits(max_px=1)})
    draft = await bench.drafted(areas={"stain": AreaLimits(max_px=1)})
    bench.decider.listed = [ready(MARKS.recipe.model_copy(update={"classes": ("background", "scratch")}))]
    with pytest.raises(InvalidParameter, match="no class is named stain"):
        await bench.desk.activate("marks", draft, BY)
    with pytest.raises(UnknownRecipe):
        await bench.desk.draft("nowhere", Policy(), BY)


async def test_of_activations_at_once_exactly_one_stays_in_force(database: Database, database_url: str) -> None:
    """Two gateways, many drafts: none is lost, none is active beside another, and the history is in order."""
    other = await another(database_url)
    benches = [PolicyBench(database), PolicyBench(other)]
    drafts = await asyncio.gather(*(benches[turn % 2].drafted() for turn in range(6)))
    assert [f"p{number}" for number in range(1, 7)] == sorted(drafts)
    await asyncio.gather(*(benches[turn % 2].desk.activate("spot", draft, BY) for turn, draft in enumerate(drafts)))
    for bench in benches:
        bench.book.forget()
    assert (await benches[0].judging()).version == (await benches[1].judging()).version
    async with database.reading() as connection:
        active = select(func.count()).where(policies.c.state == "active")
        assert (await connection.execute(active)).scalar_one() == 1
    for _ in drafts:
        await benches[0].desk.rollback("spot", BY)
    assert spot_recipe().policy == await benches[0].judging()
    await other.close()


async def test_of_two_who_believe_the_same_in_force_one_is_refused(database: Database, database_url: str) -> None:
    """Nobody overwrites a change that he has not seen."""
    other = await another(database_url)
    benches = [PolicyBench(database), PolicyBench(other)]
    drafts = [await bench.drafted() for bench in benches]
    told = await asyncio.gather(
        *(bench.desk.activate("spot", draft, BY, expected="own") for bench, draft in zip(benches, drafts, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in told) == ["Conflict", "PolicyVersion"]
    await other.close()


async def test_whatever_comes_into_force_is_told_in_the_same_transaction(database: Database) -> None:
    """Activation, rollback and retirement: one event each, in order; what is refused tells nothing."""
    bench = PolicyBench(database, sinks=("mes",))
    await bench.desk.activate("spot", await bench.drafted(), BY)
    with pytest.raises(Conflict):
        await bench.desk.activate("spot", await bench.drafted(), BY, expected="own")
    await bench.desk.rollback("spot", BY)
    async with database.reading() as connection:
        told = (await connection.execute(select(events.c.type, events.c.document).order_by(events.c.number))).all()
    assert {"org.flawgate.policy.activated.v1"} == {event.type for event in told}
    assert [("spot", BY.author), ("spot", BY.author)] == [
        (data["recipe"], data["author"]) for data in (json.loads(event.document)["data"] for event in told)
    ]


async def test_lists_go_by_recipe_and_newest_version_a_page_at_a_time(database: Database) -> None:
    """A page leads to the next one, whatever was drafted meanwhile."""
    bench = PolicyBench(database)
    for _ in range(3):
        await bench.drafted()
    await bench.desk.activate("spot", "p2", BY)
    first = await list_policies(database, PolicyQuery(page_size=2))
    rest = await list_policies(database, PolicyQuery(page_size=2, page_token=first.next_page_token))
    assert [each.version for each in (*first.policies, *rest.policies)] == ["p3", "p2", "p1"]
    assert rest.next_page_token is None
    active = await list_policies(database, PolicyQuery(recipe="spot", state="active"))
    assert [each.version for each in active.policies] == ["p2"]
    assert (await list_policies(database, PolicyQuery(recipe="other"))).policies == ()
    with pytest.raises(InvalidParameter, match="page token"):
        await list_policies(database, PolicyQuery(page_token="spot:x"))  # noqa: S106  # no secret
