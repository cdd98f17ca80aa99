import asyncio

import numpy as np
import pytest
from support.fakes import FakeModelServer
from support.served import spot_model
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import (
    BrokenRecipe,
    ModelServerUnavailable,
    RecipeUnavailable,
    UnknownRecipe,
)
from flawgate_decision.catalogue import Catalogue
from flawgate_inference.model_server import ServedModel

LOST = ModelServerUnavailable("The model server does not answer.")


def catalogue_of(server: FakeModelServer, *, golden_interval_s: float = 60) -> Catalogue:
    """A catalogue that looks when it is told."""
    return Catalogue(server, probe_interval_s=0.01, golden_interval_s=golden_interval_s, infer_timeout_s=1)


async def test_a_recipe_is_ready_only_after_a_real_inference() -> None:
    """A loaded model that cannot infer is not ready, however loudly the server says so."""
    server = FakeModelServer([spot_model()])
    server.answers = {"score": np.array([[np.nan]]), "mask": np.zeros((1, 1, 4, 3))}
    catalogue = catalogue_of(server)
    await catalogue.refresh()
    assert not catalogue.is_ready()
    with pytest.raises(RecipeUnavailable, match="test inference failed"):
        catalogue.get("spot")
    server.answers = None
    await catalogue.refresh()
    assert catalogue.is_ready()
    assert catalogue.get("spot").name == "spot"


async def test_a_service_that_starts_is_ready_once_all_recipes_have_been_tried() -> None:
    """Whoever waits for it does not find the last recipe still being tried; a new one later takes nothing back."""
    server = FakeModelServer([spot_model(), spot_model(spot_recipe(name="other"))])
    catalogue = catalogue_of(server)
    server.delay_s = 0.05
    seen = set()
    looking = asyncio.ensure_future(catalogue.refresh())
    while not looking.done():
        seen.add((catalogue.is_ready(), all(entry.is_in_use for entry in catalogue.entries)))
        await asyncio.sleep(0)
    assert (True, False) not in seen
    assert catalogue.is_ready()
    server.served.append(spot_model(spot_recipe(name="third")))
    looking = asyncio.ensure_future(catalogue.refresh())
    await asyncio.sleep(0.01)
    assert (catalogue.is_ready(), [entry.is_in_use for entry in catalogue.entries]) == (True, [True, True, False])
    await looking


async def test_before_the_first_look_nothing_is_known() -> None:
    """A service that has just started says so instead of calling a recipe unknown."""
    with pytest.raises(ModelServerUnavailable, match="not reached yet"):
        catalogue_of(FakeModelServer([])).get("spot")


async def test_a_model_server_that_never_answered_is_no_empty_list() -> None:
    """Started before its model server, decision lists nothing, so that the gateway refuses no recipe as unknown."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server)
    with pytest.raises(ModelServerUnavailable, match="not reached yet"):
        catalogue.told()
    server.down = LOST
    await catalogue.refresh()
    with pytest.raises(ModelServerUnavailable, match="does not answer"):
        catalogue.told()
    server.down = None
    await catalogue.refresh()
    assert [entry.name for entry in catalogue.told()] == ["spot"]
    server.down = LOST
    await catalogue.refresh()
    assert [entry.is_in_use for entry in catalogue.told()] == [False]


async def test_a_lost_model_server_takes_readiness_with_it_and_comes_back_by_a_new_inference() -> None:
    """Down: not ready, retryable. Up again: proved anew, then ready."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server)
    await catalogue.refresh()
    assert server.inferences == 1
    server.down = LOST
    await catalogue.refresh()
    assert not catalogue.is_ready()
    with pytest.raises(ModelServerUnavailable):
        catalogue.get("spot")
    server.down = None
    await catalogue.refresh()
    assert catalogue.is_ready()
    assert server.inferences == 2


@pytest.mark.parametrize(("interval_s", "inferences"), [(60, 1), (0, 3)])
async def test_a_recipe_is_tried_again_only_when_its_proof_is_old(interval_s: float, inferences: int) -> None:
    """Looking often costs no inference each time."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server, golden_interval_s=interval_s)
    for _ in range(3):
        await catalogue.refresh()
    assert inferences == server.inferences


async def test_another_version_is_proved_before_it_is_used() -> None:
    """A promoted version counts as new."""
    server = FakeModelServer([spot_model()])
    catalogue = catalogue_of(server)
    await catalogue.refresh()
    server.served = [spot_model(version="2")]
    await catalogue.refresh()
    assert catalogue.get("spot").version == "2"
    assert server.inferences == 2


async def test_one_bad_recipe_does_not_hide_the_others() -> None:
    """Broken JSON, a wrong name and a missing model each say why; the good recipe is served."""
    broken = ServedModel("crooked", "1", ready=True, parameters={"recipe": "{"})
    misnamed = ServedModel("other", "1", ready=True, parameters={"recipe": spot_recipe().model_dump_json()})
    missing = ServedModel("lost", "", ready=False, detail="it needs lost_cls")
    part = ServedModel("lost_seg", "1", ready=True)
    broken_part = ServedModel("spot_extra", "", ready=False, detail="no file")
    catalogue = catalogue_of(FakeModelServer([broken, missing, part, misnamed, spot_model(), broken_part]))
    await catalogue.refresh()
    assert [entry.name for entry in catalogue.entries] == ["crooked", "lost", "other", "spot"]
    assert catalogue.is_ready()
    assert catalogue.get("spot").name == "spot"
    with pytest.raises(BrokenRecipe, match="cannot be read"):
        catalogue.get("crooked")
    with pytest.raises(BrokenRecipe, match="carries a recipe named spot"):
        catalogue.get("other")
    with pytest.raises(RecipeUnavailable, match="needs lost_cls"):
        catalogue.get("lost")
    with pytest.raises(UnknownRecipe, match="known are: crooked, lost, other, spot"):
        catalogue.get("nowhere")


async def test_watching_goes_on_after_an_answer_that_nobody_expected() -> None:
    """A bug in reading one answer does not end the watch."""
    server = FakeModelServer([spot_model()])
    server.down = ZeroDivisionError("bug")  # type: ignore[assignment]
    catalogue = catalogue_of(server)
    watching = asyncio.ensure_future(catalogue.watch())
    await asyncio.sleep(0.05)
    assert not catalogue.is_reachable()
    server.down = None
    catalogue.look_soon(spot_recipe())
    await asyncio.sleep(0.1)
    assert catalogue.is_ready()
    watching.cancel()
