"""Preprocessing and decision that answer at once, so that what is left is the gateway.

python benchmarks/stream_fakes.py PREPROCESSING_PORT DECISION_PORT RECIPE
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import text_format
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from tritonclient.grpc import model_config_pb2

from flawgate.decision.v1 import decision_pb2, decision_pb2_grpc
from flawgate.inspection.v1 import types_pb2
from flawgate.preprocessing.v1 import preprocessing_pb2, preprocessing_pb2_grpc
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe

REPOSITORY = Path("model_repository")
MAX_BYTES = 64 * 1024 * 1024


def read_recipe(name: str) -> Recipe:
    """A recipe of the model repository."""
    text = (REPOSITORY / name / "config.pbtxt").read_text("utf-8")
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    return Recipe.from_json(config.parameters[RECIPE_PARAMETER].string_value, source=name)


class NoWork(preprocessing_pb2_grpc.PreprocessingServiceServicer, decision_pb2_grpc.DecisionServiceServicer):
    """Both services; every frame is OK, and has the size of the recipe's tensor."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        size = recipe.input
        geometry = types_pb2.Geometry(
            frame_width=size.width,
            frame_height=size.height,
            tensor_width=size.width,
            tensor_height=size.height,
            matrix=(1, 0, 0, 0, 1, 0),
        )
        tensor = bytes(size.channels * size.height * size.width)
        good = preprocessing_pb2.Quality(mean=0.5, focus=1000)
        self._prepared = preprocessing_pb2.PreprocessResponse(
            tensor=tensor, channels=size.channels, geometry=geometry, quality=good
        )

    async def Preprocess(self, request: Any, context: Any) -> preprocessing_pb2.PreprocessResponse:  # noqa: N802
        """An empty tensor."""
        del request, context
        return self._prepared

    async def Decide(self, request: Any, context: Any) -> decision_pb2.DecideResponse:  # noqa: N802
        """OK."""
        del request, context
        return decision_pb2.DecideResponse(
            evaluation=types_pb2.EVALUATION_OK,
            reason="SCORE_BELOW_THRESHOLD",
            score=0.1,
            threshold=0.9,
            policy_version=self._recipe.policy.version,
            recipe_version=self._recipe.version,
        )

    async def ListRecipes(self, request: Any, context: Any) -> decision_pb2.ListRecipesResponse:  # noqa: N802
        """One recipe."""
        del request, context
        listed = decision_pb2.Recipe(
            name=self._recipe.name,
            state=decision_pb2.RECIPE_STATE_READY,
            document=ParseDict(self._recipe.model_dump(mode="json"), Struct()),
        )
        return decision_pb2.ListRecipesResponse(recipes=[listed])


async def serve(preprocessing_port: int, decision_port: int, name: str) -> None:
    """Serve until the process is ended."""
    both = NoWork(read_recipe(name))
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_BYTES)])
    preprocessing_pb2_grpc.add_PreprocessingServiceServicer_to_server(both, server)
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(both, server)
    for port in (preprocessing_port, decision_port):
        server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
