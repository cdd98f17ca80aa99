"""The way of a frame without a cluster: decode, measure, carry out the steps, ask the models, apply the policy."""

import asyncio
import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.standalone.messages import Judged, Stand, inspection_message
from flawgate_camera.standalone.models import LOOK_INTERVAL_S, ModelsInForce
from flawgate_contracts.context import new_context
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.tracing import Served, span
from flawgate_imaging.decoding import DEFAULT_LIMITS
from flawgate_imaging.preparing import PreparedTensor, RawFrame, prepare
from flawgate_imaging.quality import Refusal, refusal
from flawgate_inference.deciding import Decision, decide

INFER_TIMEOUT_S = 30.0
"""Longest that the models may take over one frame, in seconds; decision's default."""


class StandaloneJudge:
    """Judges frames by the recipe in force in a model repository; all cameras of one recipe share one."""

    def __init__(
        self, repository: Path, recipe: str, *, threads: int = 0, look_interval_s: float = LOOK_INTERVAL_S
    ) -> None:
        """A judge that has not read anything yet.

        Args:
            repository: folder of the model repository.
            recipe: name.
            threads: of one inference; 0 for all cores.
            look_interval_s: between two looks at whether another version was promoted, in seconds.
        """
        self._models = ModelsInForce(repository, recipe, threads=threads, look_interval_s=look_interval_s)

    async def ready(self) -> Recipe:
        """Load the models, unless they are; gives the recipe in force.

        Raises:
            FlawgateError: it cannot be used; see `ModelsInForce.current`.
        """
        return (await self._models.current()).recipe

    async def inspect(self, frame: CapturedFrame, stand: Stand, *, before: str = "") -> pb.Inspection:
        """Judge one frame.

        Args:
            frame: numbered and encoded: what is judged is what is sent, bit by bit.
            stand: whose frame it is.
            before: SHA-256 of the camera's frame before, hexadecimal; empty where there is none.

        Returns:
            What the gateway would have put on record of it, with an id of the agent's own.

        Raises:
            InvalidRequest: it can never be judged: not a picture, too large, too small for the steps.
            FlawgateError: the models cannot be used now; see `ModelsInForce.current`. It is then not judged.
        """
        received_at, started = datetime.now(UTC), time.perf_counter()
        loaded = await self._models.current()
        recipe = loaded.recipe
        with Served(new_context({}), "inspect", {"flawgate.recipe": recipe.name}, kind="internal") as served:
            with span("preprocess"):
                sha256, prepared = await asyncio.to_thread(_prepared, frame, recipe)
            preprocessed = time.perf_counter()
            outcome: Decision | Refusal | None = _refused(recipe, prepared, repeats=sha256 == before)
            if outcome is None:
                outcome = await decide(
                    loaded.server, recipe, prepared.tensor, prepared.geometry, timeout_s=INFER_TIMEOUT_S
                )
        return inspection_message(
            frame,
            stand,
            Judged(
                recipe=recipe,
                sha256=sha256,
                prepared=prepared,
                preprocess_seconds=preprocessed - started,
                outcome=outcome,
                decide_seconds=time.perf_counter() - preprocessed,
                received_at=received_at,
                context=served.context,
            ),
        )

    async def close(self) -> None:
        """Wait for the frame that is being judged, and let go of the models."""
        await self._models.close()


def _prepared(frame: CapturedFrame, recipe: Recipe) -> tuple[str, PreparedTensor]:
    """Its SHA-256, and what the models take."""
    data, layout = frame.data, frame.layout
    came = data if layout is None else RawFrame(data, layout.width, layout.height, layout.channels)
    prepared = prepare(came, recipe.steps, DEFAULT_LIMITS, measure_quality=recipe.quality is not None)
    return hashlib.sha256(data).hexdigest(), prepared


def _refused(recipe: Recipe, prepared: PreparedTensor, *, repeats: bool) -> Refusal | None:
    """Why no model is asked; None where one is."""
    if recipe.quality is None or prepared.quality is None:
        return None
    return refusal(prepared.quality, recipe.quality, repeats=repeats)
