"""Drift through the gateway: its core over fakes, and the metrics that it shows."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.drift import LAMP, measured, watched_recipe
from support.gateway_cluster import running_gateway
from support.gateway_fakes import CountingObserver, FakeDecider, ready
from support.inspector_bench import Bench, MakeBench, make
from support.records import inspection
from support.served import spot_model
from support.tiny_repository import HEIGHT, WIDTH

from flawgate_contracts.recipe import Policy, Recipe
from flawgate_contracts.reference import FEATURES
from flawgate_gateway.answer import Inspection
from flawgate_gateway.drift.watch import DriftWatch
from flawgate_gateway.drift.window import ENOUGH
from flawgate_gateway.observer import PrometheusDriftBoard
from flawgate_gateway.ports import ListedRecipe
from flawgate_imaging.drift import SHIFTED, STABLE
from flawgate_imaging.encoding import encode_png

__all__ = ["make"]


class WatchingObserver(CountingObserver):
    """An `Observer` that also watches for drift, once it has a watch."""

    watch: DriftWatch

    def answered(self, inspection: Inspection, seconds: float) -> None:
        """See `Observer`."""
        super().answered(inspection, seconds)
        self.watch.seen(inspection)


@dataclass
class Watched:
    """An inspector over fakes, whose inspections are watched for drift."""

    bench: Bench
    watch: DriftWatch
    registry: CollectorRegistry

    async def see(self, mean: float, frames: int, seed: int = 2) -> None:
        """Inspect frames under a lamp."""
        for measures in measured(mean, frames, seed):
            self.bench.preprocessor.quality = measures
            await self.bench.inspect()

    def frames(self) -> float | None:
        """As shown."""
        return self.registry.get_sample_value("flawgate_drift_frames", {"recipe": "spot"})

    def psi(self) -> dict[str, float]:
        """As shown, by feature."""
        labels = [(feature, {"recipe": "spot", "feature": feature}) for feature in FEATURES]
        found = {feature: self.registry.get_sample_value("flawgate_drift_psi", each) for feature, each in labels}
        return {feature: value for feature, value in found.items() if value is not None}

    def put(self, recipe: Recipe) -> None:
        """Have decision list another recipe from now on."""
        self.bench.decider.listed = [ready(recipe)]
        self.bench.recipes.forget()


def watched(make: MakeBench, recipe: Recipe, *, every_s: float = 0) -> Watched:
    """A watched inspector with one recipe."""
    observer, registry = WatchingObserver(), CollectorRegistry()
    bench = make(decider=FakeDecider(recipe), observer=observer)
    observer.watch = DriftWatch(bench.recipes.last_listed, PrometheusDriftBoard(registry), every_s=every_s)
    return Watched(bench, observer.watch, registry)


async def test_a_lamp_that_grows_dark_shows(make: MakeBench) -> None:
    """Frames as in the reference are stable in every feature; with a tenth less light, the mean shifts."""
    line = watched(make, watched_recipe())
    await line.see(LAMP, 300)
    assert line.frames() == 300
    assert set(line.psi()) == set(FEATURES)
    assert max(line.psi().values()) < STABLE
    await line.see(0.9 * LAMP, 300, seed=3)
    assert line.psi()["mean"] > SHIFTED
    assert line.psi()["score"] < STABLE


async def test_refused_pictures_count_as_pictures(make: MakeBench) -> None:
    """A lamp so dark that nothing is judged any more is drift of the pictures, and of no score."""
    line = watched(make, watched_recipe(min_mean=0.4))
    await line.see(0.2, ENOUGH)
    assert set(line.psi()) == set(FEATURES) - {"score"}
    assert line.psi()["mean"] > SHIFTED


async def test_another_version_begins_anew(make: MakeBench) -> None:
    """What an older network said of older frames says nothing of this one; its indices vanish."""
    line = watched(make, watched_recipe())
    await line.see(LAMP, ENOUGH)
    assert line.psi() != {}
    line.put(watched_recipe("2"))
    await line.see(LAMP, 1)
    assert (line.frames(), line.psi()) == (1, {})


async def test_another_reference_begins_anew_and_another_policy_does_not(make: MakeBench) -> None:
    """A policy changes what is said of a score, and not the score."""
    recipe = watched_recipe()
    line = watched(make, recipe)
    await line.see(LAMP, 2)
    line.put(recipe.model_copy(update={"policy": Policy(version="2", threshold=0.2)}))
    await line.see(LAMP, 1)
    assert line.frames() == 3
    assert recipe.reference is not None
    line.put(recipe.model_copy(update={"reference": recipe.reference.model_copy(update={"frames": 9})}))
    await line.see(LAMP, 1)
    assert line.frames() == 1


async def test_a_recipe_without_a_reference_is_not_watched(make: MakeBench) -> None:
    """A recipe of before shows nothing, rather than that all is well."""
    line = watched(make, watched_recipe().model_copy(update={"reference": None}))
    await line.see(LAMP, 1)
    assert (line.frames(), line.psi()) == (None, {})


@pytest.mark.parametrize("listed", [[], [ready(watched_recipe("2").model_copy(update={"reference": None}))]])
async def test_what_is_no_more_listed_is_no_more_shown(make: MakeBench, listed: list[ListedRecipe]) -> None:
    """Of a recipe that is gone, or promoted to a version without a reference, an alarm would ring for ever."""
    line = watched(make, watched_recipe())
    await line.see(0.9 * LAMP, ENOUGH)
    assert line.psi()["mean"] > SHIFTED
    line.bench.recipes.tell(line.watch.listed)
    line.bench.decider.listed = listed
    line.bench.recipes.forget()
    await line.bench.recipes.listed()
    assert (line.frames(), line.psi()) == (None, {})


async def test_models_that_are_not_loaded_for_a_while_lose_nothing(make: MakeBench) -> None:
    """The model server is started again, and the frames of before still count."""
    line = watched(make, watched_recipe())
    await line.see(LAMP, 3)
    line.watch.listed([ListedRecipe("spot", "UNAVAILABLE", "Triton starts.", None)])
    await line.see(LAMP, 1)
    assert line.frames() == 4


@pytest.mark.parametrize(
    "changes",
    [{"recipe": "other"}, {"recipe_version": "7"}, {"score": None, "reason": "DEADLINE_UNREACHABLE"}],
    ids=["unknown recipe", "another version", "not looked at"],
)
async def test_an_inspection_that_says_nothing_is_not_counted(make: MakeBench, changes: dict[str, str | None]) -> None:
    """Of a recipe that is not listed, by a version that is not listed, or of a frame that nobody looked at."""
    line = watched(make, watched_recipe())
    await line.see(LAMP, 1)
    line.watch.seen(inspection(**changes))
    assert line.frames() == 1
    line.watch.seen(inspection())
    assert line.frames() == 2


async def test_it_is_shown_every_few_seconds(make: MakeBench) -> None:
    """The indices are computed anew when their time has come, not for every frame."""
    line = watched(make, watched_recipe(), every_s=3600)
    await line.see(LAMP, 3)
    assert line.frames() == 1


def test_the_gateway_shows_its_recipes_drift() -> None:
    """All services together: what preprocessing measures is counted, and scraped."""
    picture = encode_png(np.full((HEIGHT, WIDTH), 128, np.uint8))
    with running_gateway(recipe_ttl_s=0.2) as cluster, cluster.client() as client:
        cluster.model_server.served = [spot_model(watched_recipe())]
        until = time.monotonic() + 20
        while not cluster.value("flawgate_drift_frames", recipe="spot"):
            assert time.monotonic() < until, "the recipe with a reference was never listed, or is not watched"
            answer = client.post("/v1/inspections", data={"recipe": "spot"}, files={"file": picture})
            assert answer.status_code == 201, answer.text
        assert cluster.value("flawgate_drift_frames", recipe="spot") == 1
