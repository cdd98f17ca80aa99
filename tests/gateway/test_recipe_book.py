import asyncio
import time
from dataclasses import replace

import pytest
from support.gateway_fakes import FakeDecider, ready
from support.tiny_repository import spot_recipe

from flawgate_contracts.context import bound, new_context
from flawgate_contracts.errors import DependencyUnavailable, UnknownRecipe
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.recipes import RecipeBook

DOWN = DependencyUnavailable("The decision service does not answer.", {"service": "decision"})


async def test_the_list_is_kept_for_a_while() -> None:
    """Many frames cost one question."""
    decider = FakeDecider()
    book = RecipeBook(decider, ttl_s=60)
    for _ in range(5):
        assert (await book.ready("spot")).name == "spot"
    assert decider.lists == 1


async def test_an_old_list_is_asked_for_again() -> None:
    """A promoted version is seen after the time to live."""
    decider = FakeDecider()
    book = RecipeBook(decider, ttl_s=0)
    await book.ready("spot")
    decider.listed = [ready(spot_recipe().model_copy(update={"version": "2"}))]
    assert (await book.ready("spot")).version == "2"


async def test_what_is_missing_from_the_list_is_looked_for_again_but_not_all_the_time() -> None:
    """A recipe that was just loaded is found at once; a stream of wrong names costs few questions."""
    decider = FakeDecider()
    book = RecipeBook(decider, ttl_s=60)
    await book.ready("spot")
    for _ in range(20):
        with pytest.raises(UnknownRecipe, match="known are: spot"):
            await book.ready("sport")
    assert decider.lists == 1
    await asyncio.sleep(0.3)
    decider.listed.append(ready(spot_recipe(name="sport")))
    assert (await book.ready("sport")).name == "sport"
    assert decider.lists == 2


async def test_a_recipe_that_is_not_trusted_is_ready_for_use() -> None:
    """Every part gets its record, NOT_DECIDABLE; the list is not asked for again each time."""
    decider = FakeDecider()
    decider.listed = [ListedRecipe("spot", "UNTRUSTED", "2 of 2 golden frames are judged otherwise.", spot_recipe())]
    book = RecipeBook(decider, ttl_s=60)
    for _ in range(5):
        assert (await book.ready("spot")).name == "spot"
    assert decider.lists == 1


async def test_many_at_once_share_one_question() -> None:
    """A list that has grown old is asked for once, however many frames wait for it."""
    decider = FakeDecider()
    decider.list_delay_s = 0.05
    book = RecipeBook(decider, ttl_s=60)
    await asyncio.gather(*(book.ready("spot") for _ in range(20)))
    assert decider.lists == 1


async def test_many_at_once_share_one_failure() -> None:
    """A decision service that is slow to fail does not fail them one after another."""
    decider = FakeDecider()
    decider.list_delay_s = 0.1
    decider.down = DOWN
    book = RecipeBook(decider, ttl_s=60)
    started = time.monotonic()
    outcomes = await asyncio.gather(*(book.ready("spot") for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DependencyUnavailable}
    assert time.monotonic() - started < 1
    decider.down = None
    assert (await book.ready("spot")).name == "spot"


async def test_the_question_outlives_whoever_asked_first() -> None:
    """A caller who goes away, or whose time is short, does not take the answer from the others."""
    decider = FakeDecider()
    decider.list_delay_s = 0.05
    book = RecipeBook(decider, ttl_s=60)
    with bound(replace(new_context({}), deadline=time.monotonic() + 0.001)):
        first = asyncio.ensure_future(book.ready("spot"))
        await asyncio.sleep(0.01)
    second = asyncio.ensure_future(book.ready("spot"))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).name == "spot"
    assert decider.lists == 1
    assert decider.deadlines == [None]


async def test_what_is_to_be_forgotten_is_not_learnt_from_an_answer_under_way() -> None:
    """After a change of recipe the list is asked for anew, even while an older question is unanswered."""
    decider = FakeDecider()
    decider.list_delay_s = 0.05
    book = RecipeBook(decider, ttl_s=60)
    early = asyncio.ensure_future(book.ready("spot"))
    await asyncio.sleep(0.01)
    book.forget()
    await book.ready("spot")
    await early
    assert decider.lists == 2


async def test_whoever_waits_for_an_answer_that_is_forgotten_gets_the_next() -> None:
    """Of two frames that meet the same promotion, neither is sent on with the version before."""
    decider = FakeDecider()
    book = RecipeBook(decider, ttl_s=60)
    await book.ready("spot")
    decider.listed = [ready(spot_recipe().model_copy(update={"version": "2"}))]
    decider.list_delay_s = 0.05
    book.forget()
    first = asyncio.ensure_future(book.ready("spot"))
    await asyncio.sleep(0.01)
    book.forget()
    assert (await first).version == "2"


async def test_who_wants_to_know_is_told_each_list() -> None:
    """Before anything is inspected by it; a list that did not come is none."""
    decider, told = FakeDecider(), list[list[str]]()
    book = RecipeBook(decider, ttl_s=0)
    book.tell(lambda listed: told.append([recipe.name for recipe in listed]))
    await book.ready("spot")
    decider.down = DOWN
    with pytest.raises(DependencyUnavailable):
        await book.ready("spot")
    assert told == [["spot"]]
