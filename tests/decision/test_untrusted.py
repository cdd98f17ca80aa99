"""What a frame is told while its recipe's golden frames are judged otherwise than they must be: never OK."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from support.fakes import FakeModelServer
from support.golden import write_golden
from support.pictures import spot_pixels
from support.served import spot_model
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

from flawgate.decision.v1 import decision_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import ModelServerUnavailable
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.reading import GoldenSource
from flawgate_decision.servicer import DecisionServicer

GEOMETRY = types_pb2.Geometry(
    frame_width=WIDTH, frame_height=HEIGHT, tensor_width=WIDTH, tensor_height=HEIGHT, matrix=[1, 0, 0, 0, 1, 0]
)
GREY = 230
HALVES = {"score": np.full((1, 1), 0.5, np.float32), "mask": np.full((1, 1, 4, 3), 0.5, np.float32)}
NANS = {"score": np.full((1, 1), np.nan, np.float32), "mask": np.zeros((1, 1, 4, 3), np.float32)}
NOT_TRUSTED = (types_pb2.EVALUATION_NOT_DECIDABLE, "GOLDEN_CHECK_FAILED")
BAD = (types_pb2.EVALUATION_NOT_OK, "SCORE_ABOVE_THRESHOLD")


class Bench:
    """The servicer over a catalogue that checks golden frames at every look, and looks when it is told."""

    def __init__(self, repository: Path, *, golden_interval_s: float = 1e-9) -> None:
        self.server = FakeModelServer([spot_model()])
        self.catalogue = Catalogue(
            self.server,
            probe_interval_s=60,
            golden_interval_s=golden_interval_s,
            infer_timeout_s=5,
            source=GoldenSource(repository),
        )
        stages = StageMetrics(CollectorRegistry(), ("infer", "policy"))
        self._servicer = DecisionServicer(self.server, self.catalogue, stages, infer_timeout_s=5)

    async def decide(self) -> pb.DecideResponse:
        """A frame with a bright spot."""
        tensor = spot_pixels(GREY).tobytes()
        request = pb.DecideRequest(recipe="spot", recipe_version="1", tensor=tensor, channels=1, geometry=GEOMETRY)
        context: Any = None
        return await self._servicer.Decide(request, context)

    async def check(self, answers: dict[str, Any] | None) -> None:
        """Golden frames are checked while the models answer that; afterwards they answer as they must again."""
        delay_s, self.server.delay_s, self.server.answers = self.server.delay_s, 0.0, answers
        await self.catalogue.refresh()
        self.server.delay_s, self.server.answers = delay_s, None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with golden frames of `spot`."""
    (tmp_path / "spot/1").mkdir(parents=True)
    write_golden(tmp_path, spot_recipe(), {"bright.png": 250, "dark.png": 20})
    return tmp_path


@pytest.fixture
async def bench(repository: Path) -> Bench:
    """One whose recipe has judged its golden frames as it must."""
    bench = Bench(repository)
    await bench.check(None)
    return bench


def verdict(answer: pb.DecideResponse) -> tuple[int, str]:
    """Evaluation and reason."""
    return answer.evaluation, answer.reason


async def test_all_but_the_verdict_comes_as_the_models_gave_it(bench: Bench) -> None:
    """Whoever looks into it sees score, mask and defects of what cannot be trusted."""
    trusted = await bench.decide()
    await bench.check(HALVES)
    answer = await bench.decide()
    assert (verdict(trusted), verdict(answer)) == (BAD, NOT_TRUSTED)
    for told in (trusted, answer):
        for field in ("evaluation", "reason", "infer_seconds", "policy_seconds"):
            told.ClearField(field)
    assert trusted == answer


async def test_once_the_golden_frames_pass_again_verdicts_count_again(bench: Bench) -> None:
    """No one has to confirm it."""
    await bench.check(HALVES)
    await bench.check(None)
    assert verdict(await bench.decide()) == BAD


async def test_a_frame_in_flight_when_a_check_fails_is_overruled(bench: Bench) -> None:
    """Its models were at work when the golden frames were judged wrongly: trust is looked at again at the end."""
    bench.server.delay_s = 0.1
    answer = asyncio.ensure_future(bench.decide())
    await asyncio.sleep(0.02)
    await bench.check(HALVES)
    assert verdict(await answer) == NOT_TRUSTED


async def test_a_frame_that_came_before_the_check_passed_again_is_overruled(bench: Bench) -> None:
    """Nobody knows whether its models were healed before or after they looked at it."""
    await bench.check(HALVES)
    bench.server.delay_s = 0.1
    answer = asyncio.ensure_future(bench.decide())
    await asyncio.sleep(0.02)
    await bench.check(None)
    assert verdict(await answer) == NOT_TRUSTED


async def test_a_check_that_failed_and_passed_while_a_frame_was_in_flight_overrules_it(bench: Bench) -> None:
    """That all is well at both ends is not enough."""
    bench.server.delay_s = 0.1
    answer = asyncio.ensure_future(bench.decide())
    await asyncio.sleep(0.02)
    await bench.check(HALVES)
    await bench.check(None)
    assert verdict(await answer) == NOT_TRUSTED


async def test_a_frame_in_flight_when_a_check_gets_no_verdict_is_overruled(bench: Bench) -> None:
    """A model that answers what is no number is no more to be trusted than one that answers a wrong one."""
    bench.server.delay_s = 0.1
    answer = asyncio.ensure_future(bench.decide())
    await asyncio.sleep(0.02)
    await bench.check(NANS)
    assert verdict(await answer) == NOT_TRUSTED


async def test_a_model_server_that_failed_a_frame_is_checked_anew_at_the_next_look(repository: Path) -> None:
    """It may have been started again between two looks, with a damaged model: that is not left until the next turn."""
    bench = Bench(repository, golden_interval_s=3600)
    await bench.check(None)
    bench.server.down = ModelServerUnavailable("The model server went away.")
    with pytest.raises(ModelServerUnavailable):
        await bench.decide()
    bench.server.down = None
    await bench.check(HALVES)
    assert verdict(await bench.decide()) == NOT_TRUSTED


async def test_the_list_of_recipes_tells_of_the_last_check(bench: Bench) -> None:
    """State, sentence and figures, for whoever asks decision."""
    await bench.check(HALVES)
    context: Any = None
    (listed,) = (await bench._servicer.ListRecipes(pb.ListRecipesRequest(), context)).recipes
    assert listed.state == pb.RECIPE_STATE_UNTRUSTED
    assert listed.detail.startswith("2 of 2 golden frames are judged otherwise")
    assert (listed.golden.passed, listed.golden.failed, listed.golden.missing) == (0, 2, 0)
    assert listed.golden.largest_difference == pytest.approx(250 / 255 - 0.5, abs=1e-6)
    assert listed.golden.checked_at.seconds > 0
