"""The gRPC door: proto to a call, the answer to proto."""

import math

import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from flawgate.decision.v1 import decision_pb2 as pb
from flawgate.decision.v1 import decision_pb2_grpc
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.context import current_context
from flawgate_contracts.errors import InvalidParameter, RecipeUnavailable, Unavailable
from flawgate_contracts.interceptors import Context
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_contracts.recipe import Recipe
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.entries import Entry, State, same_version
from flawgate_decision.requests import read_tensor, under_policy
from flawgate_imaging.geometry import Geometry
from flawgate_inference.deciding import Decision, decide
from flawgate_inference.golden_checks import GoldenCheck, overruled
from flawgate_inference.messages import EVALUATIONS, defect_message, model_messages
from flawgate_inference.model_server import ModelServer

_STATES = {
    State.READY: pb.RECIPE_STATE_READY,
    State.UNTRUSTED: pb.RECIPE_STATE_UNTRUSTED,
    State.UNAVAILABLE: pb.RECIPE_STATE_UNAVAILABLE,
    State.BROKEN: pb.RECIPE_STATE_BROKEN,
}

MATRIX_VALUES = 6


class DecisionServicer(decision_pb2_grpc.DecisionServiceServicer):
    """Stands over the catalogue and the model server."""

    def __init__(
        self, server: ModelServer, catalogue: Catalogue, stages: StageMetrics, *, infer_timeout_s: float
    ) -> None:
        self._server = server
        self._catalogue = catalogue
        self._stages = stages
        self._infer_timeout_s = infer_timeout_s

    async def Decide(self, request: pb.DecideRequest, context: Context) -> pb.DecideResponse:
        """See the proto."""
        recipe = same_version(self._catalogue.get(request.recipe), request.recipe_version)
        trust = self._catalogue.trust(recipe.name)
        judging = under_policy(recipe, MessageToDict(request.policy)) if request.HasField("policy") else recipe
        geometry = _geometry(request.geometry)
        tensor = read_tensor(request.tensor, request.channels, geometry, recipe)
        decision = await self._decide(recipe, judging, tensor, geometry)
        self._stages.observe("infer", decision.infer_seconds)
        self._stages.observe("policy", decision.policy_seconds)
        # A golden check may have failed while the models were at work on this very frame.
        if not trust.is_given or trust != self._catalogue.trust(recipe.name):
            decision = overruled(decision)
        return _response(judging, decision)

    async def _decide(self, recipe: Recipe, judging: Recipe, tensor: NDArray[np.uint8], geometry: Geometry) -> Decision:
        """Decide by `judging`: the recipe as the catalogue holds it, or with the policy of the request."""
        timeout_s = min(self._infer_timeout_s, current_context().remaining_s() or self._infer_timeout_s)
        try:
            return await decide(self._server, judging, tensor, geometry, timeout_s=timeout_s)
        except RecipeUnavailable:
            await self._catalogue.look_again(recipe)
            raise
        except Unavailable:
            self._catalogue.look_soon(recipe)
            raise

    async def ListRecipes(self, request: pb.ListRecipesRequest, context: Context) -> pb.ListRecipesResponse:
        """See the proto."""
        return pb.ListRecipesResponse(recipes=[_recipe(entry) for entry in self._catalogue.told()])


def _geometry(message: types_pb2.Geometry) -> Geometry:
    if len(message.matrix) != MATRIX_VALUES:
        raise InvalidParameter(
            f"`geometry.matrix` has {len(message.matrix)} values; a 2×3 matrix has {MATRIX_VALUES}.",
            {"field": "geometry.matrix"},
        )
    if not all(math.isfinite(value) for value in message.matrix):
        raise InvalidParameter("`geometry.matrix` holds a value that is no number.", {"field": "geometry.matrix"})
    a, b, c, d, e, f = message.matrix
    return Geometry(
        frame_width=message.frame_width,
        frame_height=message.frame_height,
        matrix=(a, b, c, d, e, f),
        tensor_width=message.tensor_width,
        tensor_height=message.tensor_height,
    )


def _response(recipe: Recipe, decision: Decision) -> pb.DecideResponse:
    told = zip(recipe.classes, decision.probabilities, strict=False)
    return pb.DecideResponse(
        evaluation=EVALUATIONS[decision.verdict.evaluation],
        reason=decision.verdict.reason,
        score=decision.score,
        threshold=recipe.policy.threshold,
        policy_version=recipe.policy.version,
        recipe_version=recipe.version,
        defects=[defect_message(defect) for defect in decision.defects],
        mask=_mask(decision.mask),
        models=model_messages(recipe),
        infer_seconds=decision.infer_seconds,
        policy_seconds=decision.policy_seconds,
        probabilities=[pb.ClassProbability(class_name=name, probability=value) for name, value in told],
        class_name=decision.class_name or "",
        explanation=None if decision.explanation is None else _mask(decision.explanation[np.newaxis]),
    )


def _mask(mask: NDArray[np.uint8] | None) -> pb.Mask | None:
    if mask is None:
        return None
    classes, height, width = mask.shape
    return pb.Mask(data=mask.tobytes(), classes=classes, height=height, width=width)


def _recipe(entry: Entry) -> pb.Recipe:
    document = None if entry.recipe is None else ParseDict(entry.recipe.model_dump(mode="json"), Struct())
    return pb.Recipe(
        name=entry.name,
        state=_STATES[entry.state],
        detail=entry.detail,
        document=document,
        golden=None if entry.check is None else _golden(entry.check),
    )


def _golden(check: GoldenCheck) -> pb.GoldenCheck:
    checked_at = Timestamp()
    checked_at.FromDatetime(check.ended_at)
    return pb.GoldenCheck(
        checked_at=checked_at,
        passed=check.passed,
        failed=check.failed,
        missing=len(check.missing),
        largest_difference=check.largest_difference or 0.0,
    )
