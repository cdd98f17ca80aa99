"""A frame that meets a promotion: its models are gone, and the catalogue looks at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs
from support.fakes import FakeModelServer
from support.served import spot_model

from flawgate_contracts.errors import ModelServerUnavailable, RecipeChanged, RecipeUnavailable, UnknownRecipe
from flawgate_contracts.recipe import Recipe
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.entries import State
from flawgate_inference.model_server import ServedModel, Tensors


class Unloaded(FakeModelServer):
    """Lists its models, but has unloaded them all while `gone` is set."""

    gone = False

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        if self.gone:
            raise RecipeUnavailable(f"Version {version} of model {model} is not loaded.")
        return await super().infer(model, version, inputs, outputs, timeout_s=timeout_s)


async def looked(server: FakeModelServer) -> tuple[Catalogue, Recipe]:
    """A catalogue that has looked once, and the recipe `spot` as it found it."""
    catalogue = Catalogue(server, probe_interval_s=60, golden_interval_s=60, infer_timeout_s=1)
    await catalogue.refresh()
    return catalogue, catalogue.get("spot")


async def test_a_recipe_that_was_promoted_has_changed() -> None:
    """The new version is found, proved, and told of, without waiting for the next turn."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.served = [spot_model(version="2")]
    with pytest.raises(RecipeChanged, match="at version 2") as caught:
        await catalogue.look_again(recipe)
    assert caught.value.metadata == {"recipe": "spot", "version": "2"}
    assert catalogue.get("spot").version == "2"
    assert (server.lists, server.inferences) == (2, 2)


async def test_a_recipe_that_stands_as_before_is_tried_again() -> None:
    """An earlier inference proves nothing any more; where a new one succeeds, nothing is said."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    await catalogue.look_again(recipe)
    assert catalogue.get("spot") == recipe
    assert (server.lists, server.inferences) == (2, 2)


async def test_a_recipe_whose_models_are_gone_is_taken_out_of_use() -> None:
    """One more look tells it from a promotion; whoever comes next costs the model server nothing."""
    server = Unloaded([spot_model()])
    catalogue, recipe = await looked(server)
    server.gone = True
    for _ in range(5):
        with pytest.raises(RecipeUnavailable, match="test inference failed"):
            await catalogue.look_again(recipe)
    assert [entry.state for entry in catalogue.entries] == [State.UNAVAILABLE]
    assert server.lists == 3


async def test_a_recipe_that_was_removed_is_unknown() -> None:
    """No name of it is left."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.served = []
    with pytest.raises(UnknownRecipe):
        await catalogue.look_again(recipe)


async def test_a_model_server_that_is_lost_meanwhile_says_so() -> None:
    """Nothing is taken for a promotion that was none."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.down = ModelServerUnavailable("Triton does not answer.")
    with pytest.raises(ModelServerUnavailable):
        await catalogue.look_again(recipe)


async def test_many_who_fail_at_once_share_one_look() -> None:
    """A hundred frames in flight are no storm on the model server, and those that fail later need no look at all."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.served = [spot_model(version="2")]
    server.list_delay_s = 0.02
    told = await asyncio.gather(*(catalogue.look_again(recipe) for _ in range(100)), return_exceptions=True)
    told += await asyncio.gather(*(catalogue.look_again(recipe) for _ in range(100)), return_exceptions=True)
    assert {RecipeChanged} == {type(each) for each in told}
    assert server.lists == 2


async def test_many_who_fail_without_a_promotion_share_two_looks() -> None:
    """Where nothing has changed, one look may have begun too early for some; one more does for all of them."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.list_delay_s = 0.02
    await asyncio.gather(*(catalogue.look_again(recipe) for _ in range(100)))
    assert server.lists <= 3


async def test_whoever_asks_during_a_look_shares_the_next_one() -> None:
    """The look under way may have seen the state before; one more is enough for all."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.list_delay_s = 0.02
    under_way = asyncio.ensure_future(catalogue.refresh())
    await asyncio.sleep(0.01)
    server.served = [spot_model(version="2")]
    await asyncio.gather(*(catalogue.refresh() for _ in range(20)), under_way)
    assert server.lists == 3
    assert not catalogue.holds(recipe)


async def test_a_look_that_was_broken_off_counts_for_nobody() -> None:
    """Those who waited for it look for themselves: the first caller's deadline is not theirs."""
    server = FakeModelServer([spot_model()])
    catalogue, recipe = await looked(server)
    server.served = [spot_model(version="2")]
    server.list_delay_s = 0.03
    first = asyncio.ensure_future(catalogue.look_again(recipe))
    second = asyncio.ensure_future(catalogue.look_again(recipe))
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(RecipeChanged):
        await second
    assert first.cancelled()
    assert server.lists == 3


class Promoted(FakeModelServer):
    """Serves version 2 as soon as it has listed version 1 once more."""

    lists_until_then = 1

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        served = list(await super().models())
        if self.lists > self.lists_until_then:
            self.served = [spot_model(version="2")]
        return served


async def test_a_routine_check_that_meets_a_promotion_takes_nothing_out_of_use() -> None:
    """The version went while its golden frames were asked: one more look finds the next, and no frame is refused."""
    server = Promoted([spot_model()])
    catalogue = Catalogue(server, probe_interval_s=60, golden_interval_s=1e-9, infer_timeout_s=1)
    await catalogue.refresh()
    with capture_logs() as lines:
        await catalogue.refresh()
    assert catalogue.get("spot").version == "2"
    assert [line for line in lines if line.get("state") == "UNAVAILABLE"] == []
    assert server.lists == 3
