"""What decision is: run the recipe's ensemble, apply the policy, find the defects. Nothing here knows gRPC."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidParameter, ModelFailure
from flawgate_contracts.recipe import Recipe
from flawgate_decision.model_server import ModelServer
from flawgate_decision.policy import Verdict, evaluate
from flawgate_imaging.defects import Defect, find_defects
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.scores import SCORE_DECIMALS

FRAME, MASK, SCORE = "frame", "mask", "score"
"""Names of a cascade's tensors in the model repository."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one frame."""

    verdict: Verdict
    score: float
    """Probability of a defect, 0 to 1, rounded to 6 decimals."""
    defects: tuple[Defect, ...]
    mask: NDArray[np.uint8]
    """(classes, height, width), uint8: probability × 255, rounded."""
    infer_seconds: float
    policy_seconds: float


@dataclass(frozen=True, slots=True)
class Scored:
    """What the models of a cascade say."""

    score: float
    """0 to 1, rounded to 6 decimals."""
    probability: NDArray[np.float32]
    """(classes, height, width), float32, 0 to 1."""


def read_tensor(data: bytes, channels: int, geometry: Geometry, recipe: Recipe) -> NDArray[np.uint8]:
    """The tensor of a request, (channels, height, width), uint8, 0–255.

    Raises:
        InvalidParameter: its shape is not the recipe's input, or the number of bytes does not fit the shape.
    """
    shape = (channels, geometry.tensor_height, geometry.tensor_width)
    wanted = (recipe.input.channels, recipe.input.height, recipe.input.width)
    if shape != wanted or len(data) != channels * geometry.tensor_height * geometry.tensor_width:
        raise InvalidParameter(
            f"Recipe {recipe.name} takes a tensor of shape {wanted} (channels, height, width); "
            f"this one has shape {shape} and {len(data)} bytes.",
            {"field": "tensor"},
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


async def score(server: ModelServer, recipe: Recipe, tensor: NDArray[np.uint8], *, timeout_s: float) -> Scored:
    """Run a cascade's ensemble on one tensor.

    Args:
        server: where the models run.
        recipe: names the ensemble and its version.
        tensor: (channels, height, width), uint8, 0–255.
        timeout_s: longest wait, in seconds.

    Raises:
        ModelFailure: the model failed, or answered with something that is no score or no mask.
        Unavailable: of the class that fits.
        DeadlineExceeded: the time is over.
    """
    answers = await server.infer(
        recipe.name, recipe.version, {FRAME: tensor[np.newaxis]}, (MASK, SCORE), timeout_s=timeout_s
    )
    return Scored(_checked_score(recipe, answers[SCORE]), _checked_mask(recipe, answers[MASK]))


def _checked_score(recipe: Recipe, values: NDArray[Any]) -> float:
    if values.size != 1 or not 0 <= float(values.flat[0]) <= 1:
        raise ModelFailure(f"Recipe {recipe.name} gave {values.tolist()} where one score from 0 to 1 belongs.")
    return round(float(values.flat[0]), SCORE_DECIMALS)


def _checked_mask(recipe: Recipe, values: NDArray[Any]) -> NDArray[np.float32]:
    if values.ndim != 4 or values.shape[:2] != (1, len(recipe.classes)):
        raise ModelFailure(
            f"Recipe {recipe.name} gave a mask of shape {values.shape}; it names {len(recipe.classes)} class(es)."
        )
    mask: NDArray[np.float32] = values[0].astype(np.float32, copy=False)
    if not bool(np.all((mask >= 0) & (mask <= 1))):
        raise ModelFailure(f"Recipe {recipe.name} gave a mask with values outside 0 to 1.")
    return mask


async def decide(
    server: ModelServer, recipe: Recipe, tensor: NDArray[np.uint8], geometry: Geometry, *, timeout_s: float
) -> Decision:
    """Run the recipe on one tensor and turn what the models say into a decision.

    Defects are listed whatever the evaluation: they are what the segmentation marked, the score decides.

    Args:
        server: where the models run.
        recipe: models and policy.
        tensor: (channels, height, width), uint8, 0–255.
        geometry: from the tensor back to the frame.
        timeout_s: longest wait for the models, in seconds.

    Raises:
        FlawgateError: as `score` says.
    """
    started = time.perf_counter()
    scored = await score(server, recipe, tensor, timeout_s=timeout_s)
    inferred = time.perf_counter()
    defects = await asyncio.to_thread(_defects, recipe, scored.probability, geometry)
    return Decision(
        verdict=evaluate(scored.score, recipe.policy),
        score=scored.score,
        defects=defects,
        mask=np.rint(scored.probability * 255).astype(np.uint8),
        infer_seconds=inferred - started,
        policy_seconds=time.perf_counter() - inferred,
    )


def _defects(recipe: Recipe, probability: NDArray[np.float32], geometry: Geometry) -> tuple[Defect, ...]:
    return find_defects(
        probability,
        geometry,
        threshold=recipe.policy.mask_threshold,
        min_area_px=recipe.policy.min_defect_area_px,
        classes=recipe.classes,
        pixel_pitch_um=recipe.pixel_pitch_um,
    )
