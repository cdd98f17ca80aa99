"""Asking a recipe's ensemble: batches no larger than it takes, a few at a time, one deadline over all."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import DeadlineExceeded, ModelFailure
from flawgate_contracts.kinds import FRAME
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.judgement import Answers
from flawgate_inference.model_server import ModelServer

MAX_REQUESTS_AT_ONCE = 2
"""Of one frame: while the models are at work on one batch of tiles, the next is on its way."""


async def ask(server: ModelServer, recipe: Recipe, frames: NDArray[np.uint8], *, timeout_s: float) -> Answers:
    """Run a recipe's ensemble.

    Args:
        server: where the models run.
        recipe: names the ensemble, its version, and how many tensors a request may hold.
        frames: (n, C, h, w), uint8, 0–255: the tensor, or its tiles; n is at least 1.
        timeout_s: longest wait for all of them, in seconds.

    Returns:
        What the ensemble gives of that kind of recipe, each (n, ...) in the order of the frames.

    Raises:
        ModelFailure: a model failed, or did not answer for every frame alike.
        Unavailable: of the class that fits.
        DeadlineExceeded: the time is over.
    """
    batches = [frames[first : first + recipe.max_batch_size] for first in range(0, len(frames), recipe.max_batch_size)]
    said: list[Answers] = [{} for _ in batches]
    waiting = iter(enumerate(batches))
    ends_at = time.monotonic() + timeout_s

    async def work() -> None:
        for index, batch in waiting:
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                raise DeadlineExceeded(
                    f"The deadline passed after {index} of {len(batches)} batches of tiles of recipe {recipe.name}; "
                    "allow more time."
                )
            said[index] = await server.infer(
                recipe.name, recipe.version, {FRAME: batch}, recipe.answers, timeout_s=left_s
            )

    await _together([work] * min(MAX_REQUESTS_AT_ONCE, len(batches)))
    counts = [len(batch) for batch in batches]
    return {name: _joined(recipe, name, [each.get(name) for each in said], counts) for name in recipe.answers}


async def _together(works: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """All at once; the first that fails ends the others, and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _joined(recipe: Recipe, name: str, parts: Sequence[Any], counts: Sequence[int]) -> NDArray[Any]:
    """One array from the batches', if there is one row for each tensor, all of one shape."""
    shapes = [() if part is None else tuple(part.shape) for part in parts]
    if [shape[:1] for shape in shapes] != [(count,) for count in counts] or len({shape[1:] for shape in shapes}) > 1:
        told = ", ".join(str(shape) for shape in dict.fromkeys(shapes))
        raise ModelFailure(
            f"Recipe {recipe.name} gave {name} of shape {told} for batches of {', '.join(map(str, counts))}; "
            "export it again."
        )
    return np.concatenate(parts) if len(parts) > 1 else np.asarray(parts[0])
