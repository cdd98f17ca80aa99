"""Named fakes with the real signatures."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import FlawgateError, RecipeUnavailable
from flawgate_decision.model_server import ServedModel, Tensors


class FakeModelServer:
    """A `ModelServer` that answers `spot` as the tiny repository does, or as it is told to."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self.served = list(models)
        self.down: FlawgateError | None = None
        """Raised by every call while it is set."""
        self.answers: dict[str, NDArray[Any]] | None = None
        """Given instead of the true answer while it is set."""
        self.delay_s = 0.0
        self.inferences = 0

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        if self.down is not None:
            raise self.down
        return self.served

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        if self.down is not None:
            raise self.down
        if model not in {served.name for served in self.served}:
            raise RecipeUnavailable(f"Model {model} is not loaded.")
        await asyncio.sleep(self.delay_s)
        self.inferences += 1
        return self.answers or spot_answers(inputs["frame"])

    async def close(self) -> None:
        """See `ModelServer.close`."""


def spot_answers(frames: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """What the tiny repository says of frames (n, 1, 32, 24)."""
    blocks = frames.reshape(len(frames), 1, 4, 8, 3, 8).max(axis=(3, 5))
    mask = (blocks / 255).astype(np.float32)
    return {"mask": mask, "score": mask.max(axis=(1, 2, 3))[:, np.newaxis]}
