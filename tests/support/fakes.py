"""Named fakes with the real signatures."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import DeadlineExceeded, FlawgateError, RecipeUnavailable
from flawgate_inference.model_server import ServedModel, Tensors
from support.tiny_kinds import SPOT, TINIES


class FakeModelServer:
    """A `ModelServer` that answers as the tiny recipes do, or as it is told to."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self.served = list(models)
        self.down: FlawgateError | None = None
        """Raised by every call while it is set."""
        self.answers: dict[str, NDArray[Any]] | None = None
        """Given instead of the true answer while it is set."""
        self.delay_s = 0.0
        self.list_delay_s = 0.0
        self.inferences = 0
        self.lists = 0
        """How often it was asked for its models."""
        self.batches: list[int] = []
        """Frames of each inference, in the order of their beginnings."""
        self.at_once = 0
        """Most inferences that were under way together."""
        self._running = 0

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        self.lists += 1
        await asyncio.sleep(self.list_delay_s)
        if self.down is not None:
            raise self.down
        return self.served

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        if self.down is not None:
            raise self.down
        if (model, version) not in {(served.name, served.version) for served in self.served}:
            raise RecipeUnavailable(f"Version {version} of model {model} is not loaded.")
        frames = inputs["frame"]
        self.batches.append(len(frames))
        self._running += 1
        self.at_once = max(self.at_once, self._running)
        try:
            await asyncio.wait_for(asyncio.sleep(self.delay_s), timeout_s)
        except TimeoutError as err:
            raise DeadlineExceeded(f"The deadline passed while model {model} was at work.") from err
        finally:
            self._running -= 1
        self.inferences += 1
        return self.answers or dict(TINIES.get(model, SPOT).answers(frames))

    async def close(self) -> None:
        """See `ModelServer.close`."""


def spot_answers(frames: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """What the tiny repository says of frames (n, 1, 32, 24)."""
    return dict(SPOT.answers(frames))
