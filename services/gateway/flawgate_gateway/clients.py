"""The other services over gRPC, as the core's ports."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import grpc
import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from flawgate.decision.v1 import decision_pb2, decision_pb2_grpc
from flawgate.inspection.v1 import types_pb2
from flawgate.preprocessing.v1 import preprocessing_pb2, preprocessing_pb2_grpc
from flawgate_contracts.calls import call
from flawgate_contracts.errors import DependencyUnavailable
from flawgate_contracts.recipe import Policy, Recipe
from flawgate_contracts.steps import STEPS, Step
from flawgate_gateway.answer import Box, ClassProbability, Defect, ModelFacts
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Decided, GoldenCheck, ListedRecipe, PreparedTensor, RecipeState
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.quality import Measures

_EVALUATIONS = {
    types_pb2.EVALUATION_OK: "OK",
    types_pb2.EVALUATION_NOT_OK: "NOT_OK",
    types_pb2.EVALUATION_NOT_DECIDABLE: "NOT_DECIDABLE",
}
_STATES: Mapping[int, RecipeState] = {
    decision_pb2.RECIPE_STATE_READY: "READY",
    decision_pb2.RECIPE_STATE_UNTRUSTED: "UNTRUSTED",
    decision_pb2.RECIPE_STATE_BROKEN: "BROKEN",
}

HEALTH_TIMEOUT_S = 2.0
LIST_TIMEOUT_S = 5.0


def _untold() -> None:
    """Nobody counts further tries."""


class PreprocessingClient:
    """`Preprocessor` over a channel; `again` is told of each further try of a call."""

    def __init__(self, channel: grpc.aio.Channel, *, timeout_s: float, again: Callable[[], None] = _untold) -> None:
        self._stub: preprocessing_pb2_grpc.PreprocessingServiceAsyncStub = (
            preprocessing_pb2_grpc.PreprocessingServiceStub(channel)
        )
        self._timeout_s = timeout_s
        self._again = again

    async def preprocess(self, frame: Frame, steps: Sequence[Step], *, measure_quality: bool) -> PreparedTensor:
        """See `Preprocessor`."""
        request = _preprocess_request(frame, steps)
        request.measure_quality = measure_quality
        answer = await call(
            self._stub.Preprocess, request, service="preprocessing", timeout_s=self._timeout_s, again=self._again
        )
        return PreparedTensor(
            tensor=answer.tensor,
            channels=answer.channels,
            geometry=_geometry(answer.geometry),
            decode_seconds=answer.decode_seconds,
            steps_seconds=answer.steps_seconds,
            quality=_measures(answer) if measure_quality else None,
        )


class DecisionClient:
    """`Decider` over a channel; `again` is told of each further try of a call, None: there is none."""

    def __init__(
        self, channel: grpc.aio.Channel, *, timeout_s: float, again: Callable[[], None] | None = _untold
    ) -> None:
        self._stub: decision_pb2_grpc.DecisionServiceAsyncStub = decision_pb2_grpc.DecisionServiceStub(channel)
        self._timeout_s = timeout_s
        self._again = again
        self._own_policies: Mapping[str, Policy] = {}
        """Of the recipes as last listed: what decision judges by unless it is told otherwise."""

    async def decide(self, recipe: Recipe, prepared: PreparedTensor) -> Decided:
        """See `Decider`."""
        request = _decide_request(recipe, prepared)
        if recipe.policy != self._own_policies.get(recipe.name):
            request.policy.update(recipe.policy.model_dump(mode="json"))
        answer = await call(
            self._stub.Decide, request, service="decision", timeout_s=self._timeout_s, again=self._again
        )
        return _decided(answer)

    async def recipes(self) -> Sequence[ListedRecipe]:
        """See `Decider`."""
        request = decision_pb2.ListRecipesRequest()
        answer = await call(
            self._stub.ListRecipes, request, service="decision", timeout_s=LIST_TIMEOUT_S, again=self._again
        )
        listed = [_listed(recipe) for recipe in answer.recipes]
        self._own_policies = {each.name: each.recipe.policy for each in listed if each.recipe is not None}
        return listed


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """Whether the service behind a channel says SERVING of itself; False too where it does not answer."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_TIMEOUT_S)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _preprocess_request(frame: Frame, steps: Sequence[Step]) -> preprocessing_pb2.PreprocessRequest:
    documents = [ParseDict(document, Struct()) for document in STEPS.dump_python(tuple(steps), mode="json")]
    if frame.layout is None:
        return preprocessing_pb2.PreprocessRequest(encoded=frame.data, steps=documents)
    layout = frame.layout
    raw = preprocessing_pb2.RawFrame(
        data=frame.data, width=layout.width, height=layout.height, channels=layout.channels
    )
    return preprocessing_pb2.PreprocessRequest(raw=raw, steps=documents)


def _measures(answer: preprocessing_pb2.PreprocessResponse) -> Measures:
    if not answer.HasField("quality"):
        raise DependencyUnavailable(
            "The recipe limits the quality of pictures, and the service preprocessing measured none; it is older than "
            "this gateway: update it.",
            {"service": "preprocessing"},
        )
    told = answer.quality
    return Measures(mean=told.mean, dark_share=told.dark_share, bright_share=told.bright_share, focus=told.focus)


def _decide_request(recipe: Recipe, prepared: PreparedTensor) -> decision_pb2.DecideRequest:
    geometry = prepared.geometry
    return decision_pb2.DecideRequest(
        recipe=recipe.name,
        recipe_version=recipe.version,
        tensor=prepared.tensor,
        channels=prepared.channels,
        geometry=types_pb2.Geometry(
            frame_width=geometry.frame_width,
            frame_height=geometry.frame_height,
            tensor_width=geometry.tensor_width,
            tensor_height=geometry.tensor_height,
            matrix=geometry.matrix,
        ),
    )


def _geometry(message: types_pb2.Geometry) -> Geometry:
    a, b, c, d, e, f = message.matrix
    return Geometry(
        frame_width=message.frame_width,
        frame_height=message.frame_height,
        matrix=(a, b, c, d, e, f),
        tensor_width=message.tensor_width,
        tensor_height=message.tensor_height,
    )


def _decided(answer: decision_pb2.DecideResponse) -> Decided:
    return Decided(
        evaluation=_EVALUATIONS.get(answer.evaluation, "NOT_DECIDABLE"),
        reason=answer.reason,
        score=answer.score,
        threshold=answer.threshold,
        policy_version=answer.policy_version,
        recipe_version=answer.recipe_version,
        class_name=answer.class_name or None,
        probabilities=tuple(
            ClassProbability(class_name=told.class_name, probability=told.probability) for told in answer.probabilities
        ),
        defects=tuple(_defect(defect) for defect in answer.defects),
        mask=_mask(answer.mask) if answer.HasField("mask") else None,
        models=tuple(ModelFacts(name=m.name, version=m.version, sha256=m.sha256) for m in answer.models),
        infer_seconds=answer.infer_seconds,
        policy_seconds=answer.policy_seconds,
        explanation=_mask(answer.explanation)[0] if answer.HasField("explanation") else None,
    )


def _mask(message: decision_pb2.Mask) -> NDArray[np.uint8]:
    return np.frombuffer(message.data, np.uint8).reshape(message.classes, message.height, message.width)


def _defect(message: types_pb2.Defect) -> Defect:
    box = message.box
    return Defect(
        box=Box(x=box.x, y=box.y, width=box.width, height=box.height),
        area_px=message.area_px,
        area_mm2=message.area_mm2 if message.HasField("area_mm2") else None,
        peak=message.peak,
        class_name=message.class_name,
    )


def _listed(message: decision_pb2.Recipe) -> ListedRecipe:
    recipe = Recipe.model_validate(MessageToDict(message.document)) if message.HasField("document") else None
    golden = _golden(message.golden) if message.HasField("golden") else None
    return ListedRecipe(message.name, _STATES.get(message.state, "UNAVAILABLE"), message.detail, recipe, golden)


def _golden(message: decision_pb2.GoldenCheck) -> GoldenCheck:
    return GoldenCheck(
        checked_at=message.checked_at.ToDatetime(UTC),
        passed=message.passed,
        failed=message.failed,
        missing=message.missing,
        largest_difference=message.largest_difference,
    )
