"""What `/metrics` of decision shows of recipes, golden frames and calls."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from support.fakes import FakeModelServer
from support.golden import write_golden
from support.served import spot_model
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import ModelFailure
from flawgate_contracts.metrics.decision import RecipeMetrics
from flawgate_contracts.metrics.models import ModelServerMetrics
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.facts import facts_of
from flawgate_decision.observed import ObservedModelServer
from flawgate_decision.reading import GoldenSource
from flawgate_inference.model_server import Tensors

ZEROS = {"score": np.zeros((1, 1), np.float32), "mask": np.zeros((1, 1, 4, 3), np.float32)}
PRECISION = "fp32"


class Shown:
    """A catalogue and its metrics."""

    def __init__(self, repository: Path) -> None:
        self.registry = CollectorRegistry()
        self.server = FakeModelServer([spot_model()])
        self.recipes, self.calls = RecipeMetrics(self.registry), ModelServerMetrics(self.registry)
        self.catalogue = Catalogue(
            ObservedModelServer(self.server, self.calls),
            probe_interval_s=60,
            golden_interval_s=1e-9,
            infer_timeout_s=1,
            source=GoldenSource(repository),
        )

    async def look(self) -> None:
        """Look once, and show it."""
        await self.catalogue.refresh()
        self.recipes.show([facts_of(entry) for entry in self.catalogue.entries])
        self.calls.keep(self.catalogue.versions)

    def value(self, name: str, **labels: str) -> float | None:
        """Of one series; None where there is none."""
        return self.registry.get_sample_value(f"flawgate_{name}", labels)

    def versions(self, name: str) -> set[str]:
        """Labels `version` of a metric's series."""
        families = self.registry.collect()
        return {
            sample.labels["version"]
            for family in families
            for sample in family.samples
            if sample.name == f"flawgate_{name}"
        }


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """Of `spot`, whose versions 1 and 2 have two golden frames, one without its picture."""
    for version in ("1", "2"):
        (tmp_path / "spot" / version).mkdir(parents=True)
        write_golden(tmp_path, spot_recipe(version=version), {"bright.png": 250, "dark.png": 20})
        (tmp_path / "spot" / version / "golden/1.png").unlink()
    return Shown(tmp_path)


async def test_golden_checks_are_shown(shown: Shown) -> None:
    """Whether the last passed, when, of how many frames, how far off; all results are there from 0 on."""
    await shown.look()
    assert shown.value("golden_check_passed", recipe="spot") == 1
    assert shown.value("recipe_ready", recipe="spot") == 1
    assert shown.value("golden_last_run_timestamp_seconds", recipe="spot") == pytest.approx(time.time(), abs=60)
    assert shown.value("golden_frames", recipe="spot", state="checked") == 1
    assert shown.value("golden_frames", recipe="spot", state="missing") == 1
    assert shown.value("golden_largest_difference_ratio", recipe="spot") == pytest.approx(0, abs=1e-6)
    counted = [shown.value("golden_checks_total", recipe="spot", result=each) for each in ("passed", "failed", "error")]
    assert counted == [1, 0, 0]


async def test_a_failed_check_is_shown(shown: Shown) -> None:
    """An alert has what it needs: not passed, not ready, how far off."""
    shown.server.answers = ZEROS
    await shown.look()
    assert shown.value("golden_check_passed", recipe="spot") == 0
    assert shown.value("recipe_ready", recipe="spot") == 0
    assert shown.value("golden_largest_difference_ratio", recipe="spot") == pytest.approx(250 / 255, abs=1e-6)
    assert shown.value("golden_checks_total", recipe="spot", result="failed") == 1


async def test_nothing_is_said_of_golden_frames_where_there_are_none(tmp_path: Path) -> None:
    """A recipe without them is no failed check, and no passed one."""
    shown = Shown(tmp_path)
    await shown.look()
    assert shown.value("recipe_ready", recipe="spot") == 1
    assert shown.value("golden_check_passed", recipe="spot") is None
    assert shown.value("golden_last_run_timestamp_seconds", recipe="spot") is None
    assert shown.value("golden_frames", recipe="spot", state="checked") == 0


async def test_a_version_that_goes_takes_its_series_along(shown: Shown) -> None:
    """Recipe, models and calls of yesterday are not shown; the count of checks goes on."""
    await shown.look()
    loaded = shown.value("model_last_load_timestamp_seconds", model="spot_seg")
    assert shown.versions("recipe_info") == shown.versions("model_info") == {"1"}
    shown.server.served = [spot_model(spot_recipe(version="2"), version="2")]
    await asyncio.sleep(0.01)
    await shown.look()
    for name in ("recipe_info", "model_info", "triton_requests_total"):
        assert shown.versions(name) == {"2"}
    assert shown.value("model_info", model="spot_seg", version="2", sha256="0" * 64, precision=PRECISION) == 1
    reloaded = shown.value("model_last_load_timestamp_seconds", model="spot_seg")
    assert loaded is not None
    assert reloaded is not None
    assert reloaded > loaded
    assert shown.value("golden_checks_total", recipe="spot", result="passed") == 2


async def test_the_time_of_a_load_stays_while_the_version_does(shown: Shown) -> None:
    """A golden check loads nothing."""
    await shown.look()
    loaded = shown.value("model_last_load_timestamp_seconds", model="spot_seg")
    await asyncio.sleep(0.01)
    await shown.look()
    assert loaded == shown.value("model_last_load_timestamp_seconds", model="spot_seg")


class Failing(FakeModelServer):
    """Fails at every inference."""

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        raise ModelFailure("CUDA error.")


FRAMES = {"frame": np.zeros((1, 1, 32, 24), np.uint8)}


async def test_calls_are_counted_by_their_end() -> None:
    """Answered, failed, out of time, given up by the caller: each once, and timed."""
    registry = CollectorRegistry()
    metrics = ModelServerMetrics(registry)
    slow = FakeModelServer([spot_model()])
    observed = ObservedModelServer(slow, metrics)
    await observed.infer("spot", "1", FRAMES, ["score"], timeout_s=1)
    slow.delay_s = 0.5
    with pytest.raises(Exception, match="deadline passed"):
        await observed.infer("spot", "1", FRAMES, ["score"], timeout_s=0.01)
    given_up = asyncio.ensure_future(observed.infer("spot", "1", FRAMES, ["score"], timeout_s=1))
    await asyncio.sleep(0.01)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    with pytest.raises(ModelFailure):
        await ObservedModelServer(Failing([]), metrics).infer("spot", "1", FRAMES, ["score"], timeout_s=1)
    counted = {
        sample.labels["code"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "flawgate_triton_requests_total"
    }
    assert counted == {
        "OK": 1,
        "DEADLINE_EXCEEDED": 1,
        "REQUEST_CANCELLED": 1,
        "MODEL_FAILURE": 1,
        "MODEL_SERVER_UNAVAILABLE": 0,
        "RECIPE_UNAVAILABLE": 0,
    }
    assert registry.get_sample_value("flawgate_triton_request_duration_seconds_count", {"model": "spot"}) == 4
