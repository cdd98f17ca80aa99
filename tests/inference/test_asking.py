import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.fakes import FakeModelServer
from support.served import spot_model
from support.tiny_kinds import TILED, blocks

from flawgate_contracts.errors import DeadlineExceeded, ModelFailure
from flawgate_imaging.judgement import shown
from flawgate_inference.asking import MAX_REQUESTS_AT_ONCE, ask
from flawgate_inference.model_server import Tensors

TENSOR = np.arange(32 * 24, dtype=np.uint32).reshape(1, 32, 24).astype(np.uint8)
TILES = shown(TENSOR, TILED.recipe.tiling)


class UnevenServer(FakeModelServer):
    """Takes the longer, the earlier a batch came; what it says can be spoilt."""

    def __init__(self) -> None:
        super().__init__([spot_model(TILED.recipe)])
        self.spoilt: dict[int, dict[str, NDArray[Any]] | Exception] = {}
        """By the number of the batch: said, or raised, instead."""
        self.longest_s = 0.03
        self.cancelled = 0
        self.busy = asyncio.Event()
        """As many requests run as may."""
        self._running = 0

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        number = len(self.batches)
        answers = await super().infer(model, version, inputs, outputs, timeout_s=timeout_s)
        spoilt = self.spoilt.get(number)
        if isinstance(spoilt, Exception):
            raise spoilt
        self._running += 1
        if self._running == MAX_REQUESTS_AT_ONCE:
            self.busy.set()
        try:
            await asyncio.sleep(self.longest_s / (number + 1))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self._running -= 1
        return answers if spoilt is None else spoilt


async def test_tiles_are_asked_in_batches_and_answered_in_order() -> None:
    """Nine tiles, four a request, two requests at once: whichever ends first, the answers keep the tiles' order."""
    server = UnevenServer()
    answers = await ask(server, TILED.recipe, TILES, timeout_s=5)
    np.testing.assert_array_equal(blocks(TILES), answers["mask"])
    assert server.batches == [4, 4, 1]
    assert server.at_once == MAX_REQUESTS_AT_ONCE == 2


async def test_one_deadline_holds_for_all_batches() -> None:
    """Two rounds of 60 ms do not get 100 ms each, which would be enough for both."""
    server = FakeModelServer([spot_model(TILED.recipe)])
    server.delay_s = 0.06
    with pytest.raises(DeadlineExceeded):
        await ask(server, TILED.recipe, TILES, timeout_s=0.1)
    with pytest.raises(DeadlineExceeded, match="0 of 3 batches"):
        await ask(server, TILED.recipe, TILES, timeout_s=0)


async def test_a_batch_that_fails_fails_the_frame() -> None:
    """By its own error, and the other requests are ended."""
    server = UnevenServer()
    server.spoilt[1] = ModelFailure("Out of memory.")
    with pytest.raises(ModelFailure, match="Out of memory"):
        await ask(server, TILED.recipe, TILES, timeout_s=5)
    assert server.cancelled == 1
    assert server.batches == [4, 4]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "answers",
    [{}, {"mask": None}, {"mask": np.float32(0)}, {"mask": np.zeros((5, 1, 2, 1))}, {"mask": np.zeros((4, 1, 1, 1))}],
    ids=["nothing", "none", "a number", "one too many", "another size"],
)
async def test_an_answer_that_is_not_for_its_batch_is_the_models_failure(number: int, answers: dict[str, Any]) -> None:
    """A row too many in one batch must not be made good by one too few in another."""
    server = UnevenServer()
    server.spoilt[number] = answers
    with pytest.raises(ModelFailure, match="tiled gave mask of shape"):
        await ask(server, TILED.recipe, TILES, timeout_s=5)


async def test_a_caller_who_goes_away_ends_all_requests() -> None:
    """Nothing is left running."""
    server = UnevenServer()
    server.longest_s = 60
    asking = asyncio.ensure_future(ask(server, TILED.recipe, TILES, timeout_s=60))
    await asyncio.wait_for(server.busy.wait(), 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (server.batches, server.cancelled) == ([4, 4], 2)
