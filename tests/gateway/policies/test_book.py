import asyncio

import pytest
from sqlalchemy import insert, text
from support.gateway_fakes import ready
from support.policies import BY, PolicyBench, another
from support.tiny_kinds import MARKS
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import BrokenRecipe, RecordsUnavailable
from flawgate_contracts.recipe import AreaLimits
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import policies
from flawgate_gateway.policies.in_force import RecipesInForce


async def test_another_gateways_activation_is_seen_when_what_is_known_is_old(
    database: Database, database_url: str
) -> None:
    """Within the time that the settings state, and not by each frame's asking the database."""
    far, other = PolicyBench(await another(database_url), ttl_s=0.2), PolicyBench(database)
    assert (await far.judging()).version == "1"
    await other.desk.activate("spot", await other.drafted(), BY)
    assert (await far.judging()).version == "1"
    await asyncio.sleep(0.2)
    assert (await far.judging()).version == "p1"
    await far.database.close()


async def test_nothing_is_judged_while_nobody_knows_what_is_in_force(database: Database) -> None:
    """A database that does not answer is no reason to go on by an old policy, or by the recipe's own."""
    bench = PolicyBench(database, ttl_s=0)
    await bench.desk.activate("spot", await bench.drafted(), BY)
    assert (await bench.judging()).version == "p1"
    database.has_tables = False
    with pytest.raises(RecordsUnavailable):
        await bench.judging()


async def test_a_policy_that_a_promoted_version_cannot_measure_judges_nothing(database: Database) -> None:
    """The frame is refused with what to do; the recipe's own policy does not step in by itself."""
    bench = PolicyBench(database, recipe=MARKS.recipe)
    await bench.desk.activate("marks", await bench.drafted(areas={"stain": AreaLimits(max_px=1)}), BY)
    promoted = MARKS.recipe.model_copy(update={"version": "2", "classes": ("background", "scratch")})
    bench.decider.listed = [ready(promoted)]
    with pytest.raises(BrokenRecipe, match=r"p1 does not fit recipe marks, version 2.*stain.*roll this one back"):
        await bench.judging()


async def test_a_policy_that_cannot_be_read_judges_nothing(database: Database) -> None:
    """Of a later Flawgate, say; other recipes go on."""
    bench = PolicyBench(database)
    row = {"recipe": "spot", "version": 4, "state": "active", "author": "x", "reason": "y", "created_at_us": 0}
    async with database.writing() as connection:
        await connection.execute(insert(policies).values(**row, document='{"sharpness": 1}'))
    with pytest.raises(BrokenRecipe, match=r"p4 of recipe spot cannot be read"):
        await bench.judging()
    assert (await bench.book.applied(spot_recipe(name="other"))).policy.version == "1"


async def test_two_active_versions_cannot_be(database: Database) -> None:
    """The database itself holds the rule, whoever writes to it."""
    row = "INSERT INTO policies VALUES ('spot', {}, 'active', '{{}}', 'x', 'y', 0)"
    async with database.writing() as connection:
        await connection.execute(text(row.format(1)))
    with pytest.raises(Exception, match=r"(?i)unique"):
        async with database.writing() as connection:
            await connection.execute(text(row.format(2)))


async def test_frames_that_come_together_ask_once(database: Database) -> None:
    """What is known is read by one of them, for all."""
    bench = PolicyBench(database)
    recipes = RecipesInForce(bench.recipes, bench.book)
    await bench.desk.activate("spot", await bench.drafted(), BY)
    judged = await asyncio.gather(*(recipes.ready("spot") for _ in range(50)))
    assert {"p1"} == {recipe.policy.version for recipe in judged}


async def test_a_reading_that_began_before_a_change_is_not_taken_for_news(database: Database) -> None:
    """After an activation this gateway judges by it, even where a reading was on its way."""
    bench = PolicyBench(database)
    await bench.drafted()
    reading = asyncio.ensure_future(bench.judging())
    await asyncio.sleep(0)
    await bench.desk.activate("spot", "p1", BY)
    await reading
    assert (await bench.judging()).version == "p1"
