"""To decide: run the recipe's ensemble, judge its answers, find the defects, apply the policy. Knows no gRPC."""

import asyncio
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.tracing import client_span, span
from flawgate_imaging.defects import Defect
from flawgate_imaging.findings import findings
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Answers, Judgement, Manner, judge, shown
from flawgate_imaging.policy import Verdict, evaluate
from flawgate_inference.asking import ask
from flawgate_inference.model_server import ModelServer

TEST_GREY = 128
"""Grey value, 0–255, of the even frame that a recipe is tried with."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one frame."""

    verdict: Verdict
    score: float
    """How bad it is, 0 to 1, rounded to 6 decimals."""
    class_name: str | None
    """Of the frame as a whole; None where no class can be said."""
    probabilities: tuple[float, ...]
    """Of the recipe's classes, 0 to 1; empty unless the recipe is a classification."""
    defects: tuple[Defect, ...]
    mask: NDArray[np.uint8] | None
    """(classes, height, width), uint8: probability, or residual, × 255, rounded; None of a classification."""
    explanation: NDArray[np.uint8] | None
    """(height, width), uint8, × 255, rounded: where the class answered is seen, see `Judgement.explanation`; None where
    the recipe is not explained."""
    infer_seconds: float
    policy_seconds: float


def judged(recipe: Recipe, frames: NDArray[np.uint8], answers: Answers) -> Judgement:
    """What the models' answers say about one frame of that recipe.

    Args:
        recipe: how they are read.
        frames: as `judgement.shown` gives them.
        answers: of the models, by the names of `kinds.ANSWERS`, each (n, ...).

    Raises:
        ModelFailure: an answer is missing, of another shape, or no number from 0 to 1. It names the recipe.
    """
    return _judged(recipe, Manner.of(recipe), frames, answers)


async def prove(server: ModelServer, recipe: Recipe, *, timeout_s: float) -> None:
    """Try a recipe: one even frame, or tile, through its whole ensemble.

    Raises:
        FlawgateError: it cannot be used; the class as `ask` and `judged` say.
    """
    size = recipe.shown
    frames = np.full((1, size.channels, size.height, size.width), TEST_GREY, np.uint8)
    answers = await ask(server, recipe, frames, timeout_s=timeout_s)
    _judged(recipe, replace(Manner.of(recipe), tiling=None), frames, answers)


async def decide(
    server: ModelServer, recipe: Recipe, tensor: NDArray[np.uint8], geometry: Geometry, *, timeout_s: float
) -> Decision:
    """Run the recipe on one tensor and turn what the models say into a decision.

    Defects are listed whatever the evaluation: they are what the mask marks; the policy decides, by score or by areas.

    Args:
        server: where the models run.
        recipe: models and policy.
        tensor: (channels, height, width), uint8, 0–255.
        geometry: from the tensor back to the frame.
        timeout_s: longest wait for the models, in seconds.

    Raises:
        FlawgateError: as `ask` and `judged` say.
    """
    started = time.perf_counter()
    frames = shown(tensor, recipe.tiling)
    with client_span("infer", recipe=recipe.name):
        answers = await ask(server, recipe, frames, timeout_s=timeout_s)
    infer_seconds = time.perf_counter() - started
    return await asyncio.to_thread(_concluded, recipe, frames, answers, geometry, infer_seconds)


def _concluded(
    recipe: Recipe, frames: NDArray[np.uint8], answers: Answers, geometry: Geometry, infer_seconds: float
) -> Decision:
    started = time.perf_counter()
    with span("policy", recipe=recipe.name) as judging:
        judgement = judged(recipe, frames, answers)
        found = findings(recipe, judgement, geometry)
        verdict = evaluate(judgement.score, found.areas, recipe.policy)
        judging.set(evaluation=verdict.evaluation, score=judgement.score)
    told = judgement.probabilities
    return Decision(
        verdict=verdict,
        score=judgement.score,
        class_name=_class_name(recipe, judgement.answer),
        probabilities=() if told is None else tuple(told.tolist()),
        defects=found.defects,
        mask=_as_bytes(judgement.planes),
        explanation=_as_bytes(judgement.explanation),
        infer_seconds=infer_seconds,
        policy_seconds=time.perf_counter() - started,
    )


def _as_bytes(values: NDArray[np.float32] | None) -> NDArray[np.uint8] | None:
    """0–1 → uint8, 0–255."""
    return None if values is None else np.rint(values * 255).astype(np.uint8)


def _class_name(recipe: Recipe, answer: int | None) -> str | None:
    """A single class is that of what is defective; of what is not, it has no name."""
    if answer is None or len(recipe.classes) > 1:
        return None if answer is None else recipe.classes[answer]
    return recipe.classes[0] if answer else None


def _judged(recipe: Recipe, manner: Manner, frames: NDArray[np.uint8], answers: Answers) -> Judgement:
    try:
        return judge(manner, frames, answers, height=recipe.input.height, width=recipe.input.width)
    except ModelFailure as err:
        raise ModelFailure(f"Recipe {recipe.name}: {err.message}", {"recipe": recipe.name}) from err
