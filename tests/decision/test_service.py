import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry
from support.fakes import FakeModelServer
from support.pictures import spot_pixels
from support.served import spot_model
from support.tiny_kinds import SORTED
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

from flawgate.decision.v1 import decision_pb2 as pb
from flawgate.decision.v1 import decision_pb2_grpc
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.calls import call, create_channel
from flawgate_contracts.errors import FlawgateError, InvalidParameter, ModelServerUnavailable, RecipeChanged
from flawgate_contracts.metrics.decision import RecipeMetrics
from flawgate_contracts.metrics.models import ModelServerMetrics
from flawgate_contracts.recipe import Recipe
from flawgate_decision.app import create_server, report_health
from flawgate_decision.catalogue import Catalogue
from flawgate_decision.settings import DecisionSettings

GEOMETRY = types_pb2.Geometry(
    frame_width=WIDTH, frame_height=HEIGHT, tensor_width=WIDTH, tensor_height=HEIGHT, matrix=[1, 0, 0, 0, 1, 0]
)
SETTINGS = DecisionSettings(port=0, grace_s=0)


@dataclass
class Service:
    """A running service, and what it stands on."""

    stub: Any
    health: Any
    models: FakeModelServer
    registry: CollectorRegistry

    async def decide(self, **changes: Any) -> pb.DecideResponse:
        """One call, good unless changed."""
        request = pb.DecideRequest(
            recipe="spot",
            recipe_version="1",
            tensor=spot_pixels(230).tobytes(),
            channels=1,
            geometry=GEOMETRY,
        )
        request.MergeFrom(pb.DecideRequest(**changes))
        answer: pb.DecideResponse = await call(self.stub.Decide, request, service="decision", timeout_s=5)
        return answer

    async def wait_for(self, status: int) -> None:
        """Wait until health says so."""
        async with asyncio.timeout(5):
            async for answer in self.health.Watch(health_pb2.HealthCheckRequest()):
                if answer.status == status:
                    return


@pytest.fixture
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """A service that is SERVING; a parameter is its probe interval, in seconds."""
    models, registry = FakeModelServer([spot_model()]), CollectorRegistry()
    catalogue = Catalogue(
        models, probe_interval_s=getattr(request, "param", 0.02), golden_interval_s=60, infer_timeout_s=1
    )
    server = create_server(SETTINGS, registry, models, catalogue)
    await server.start()
    background = asyncio.gather(
        catalogue.watch(),
        report_health(catalogue, server, RecipeMetrics(registry), ModelServerMetrics(registry), every_s=0.02),
    )
    async with create_channel(f"127.0.0.1:{server.port}", max_message_bytes=10**7) as channel:
        any_channel: Any = channel
        stub = decision_pb2_grpc.DecisionServiceStub(any_channel)
        running = Service(stub, health_pb2_grpc.HealthStub(any_channel), models, registry)
        await running.wait_for(health_pb2.HealthCheckResponse.SERVING)
        yield running
    background.cancel()
    await server.drain_and_stop()


async def test_an_answer_says_what_was_decided_and_by_what(service: Service) -> None:
    """Evaluation, reason, threshold, versions, models, mask and times are all there."""
    answer = await service.decide()
    assert answer.evaluation == types_pb2.EVALUATION_NOT_OK
    assert answer.reason == "SCORE_ABOVE_THRESHOLD"
    assert (answer.threshold, answer.policy_version, answer.recipe_version) == (0.9, "1", "1")
    assert answer.score == pytest.approx(230 / 255, abs=1e-6)
    assert (answer.mask.classes, answer.mask.height, answer.mask.width) == (1, 4, 3)
    assert answer.mask.data[3] == 230
    assert [model.name for model in answer.models] == ["spot_seg"]
    assert answer.defects[0].class_name == "spot"
    assert not answer.defects[0].HasField("area_mm2")
    assert answer.infer_seconds > 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recipe": "nowhere"}, "UNKNOWN_RECIPE"),
        ({"recipe_version": "7"}, "RECIPE_CHANGED"),
        ({"tensor": b"short"}, "INVALID_PARAMETER"),
        ({"channels": 3}, "INVALID_PARAMETER"),
        ({"geometry": types_pb2.Geometry(matrix=[1])}, "INVALID_PARAMETER"),
        ({"geometry": types_pb2.Geometry(matrix=[1, 0, float("nan"), 0, 1, 0])}, "INVALID_PARAMETER"),
        ({"geometry": types_pb2.Geometry(tensor_width=5)}, "INVALID_PARAMETER"),
    ],
)
async def test_a_bad_request_is_refused_before_any_model_runs(
    service: Service, changes: dict[str, Any], reason: str
) -> None:
    """Each fault has its reason, and no inference is spent on it."""
    before = service.models.inferences
    with pytest.raises(FlawgateError) as caught:
        await service.decide(**changes)
    assert (reason, before) == (caught.value.reason, service.models.inferences)


@pytest.mark.parametrize("service", [60], indirect=True, ids=["looks rarely"])
async def test_a_promotion_costs_a_frame_no_more_than_a_new_start(service: Service) -> None:
    """Frames whose version was unloaded under them are all told that the recipe has changed, after one look."""
    service.models.served = [spot_model(version="2")]
    before = service.models.lists
    told = await asyncio.gather(*(service.decide() for _ in range(20)), return_exceptions=True)
    assert {RecipeChanged} == {type(each) for each in told}
    assert service.models.lists - before == 1
    assert (await service.decide(recipe_version="2")).recipe_version == "2"


async def test_a_policy_of_the_request_judges_instead_of_the_recipes(service: Service) -> None:
    """The answer names it, and the next request without one is judged by the recipe's own again."""
    document = Struct()
    document.update({"version": "p7", "threshold": 0.95, "guard_band": 0.02})
    answer = await service.decide(policy=document)
    assert (answer.evaluation, answer.reason) == (types_pb2.EVALUATION_OK, "SCORE_BELOW_THRESHOLD")
    assert (answer.threshold, answer.policy_version, answer.recipe_version) == (0.95, "p7", "1")
    assert (await service.decide()).policy_version == "1"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"threshold": 2}, "policy.threshold"),
        ({"threshold": "high"}, "policy.threshold"),
        ({"treshold": 0.5}, "policy.treshold"),
        ({"areas": {"spot": {"min_px": 9, "max_px": 1}}}, "policy.areas.spot"),
        ({"areas": {"stain": {"max_px": 1}}}, "policy.areas"),
        ({"areas": {"spot": {"max_px": 1}}}, "policy.areas"),
    ],
    ids=["range", "type", "unknown field", "order", "unknown class", "wrong kind"],
)
async def test_a_policy_that_cannot_judge_is_refused_before_any_model_runs(
    service: Service, document: dict[str, Any], field: str
) -> None:
    """The field is named, and no inference is spent on it."""
    before, policy = service.models.inferences, Struct()
    policy.update(document)
    with pytest.raises(InvalidParameter) as caught:
        await service.decide(policy=policy)
    assert (field, before) == (caught.value.metadata["field"], service.models.inferences)


@pytest.mark.parametrize("service", [60], indirect=True, ids=["looks rarely"])
async def test_a_promotion_under_a_policy_of_the_request_is_seen_at_once(service: Service) -> None:
    """The version's going is found out as without one: by one look, and told as a recipe that has changed."""
    service.models.served = [spot_model(version="2")]
    before, policy = service.models.lists, Struct()
    policy.update({"version": "p7"})
    with pytest.raises(RecipeChanged):
        await service.decide(policy=policy)
    assert service.models.lists - before == 1


async def test_a_classification_answers_without_a_mask(service: Service) -> None:
    """Its class and probabilities are there, in the recipe's order; mask and defects are not."""
    service.models.served = [spot_model(), spot_model(SORTED.recipe)]
    await asyncio.sleep(0.1)
    tensor = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    tensor[1, 0, 0] = 204
    answer = await service.decide(recipe="sorted", tensor=tensor.tobytes(), channels=3)
    assert answer.class_name == "thread"
    assert answer.score == pytest.approx(0.8)
    assert [told.class_name for told in answer.probabilities] == ["good", "hole", "thread"]
    assert [told.probability for told in answer.probabilities] == pytest.approx([0.2, 0, 0.8])
    assert not answer.HasField("mask")
    assert not answer.defects


async def test_a_cascade_answers_without_a_class(service: Service) -> None:
    """What tells no classes of frames apart names none."""
    answer = await service.decide()
    assert (answer.class_name, len(answer.probabilities)) == ("", 0)


async def test_recipes_are_listed_with_all_that_they_say(service: Service) -> None:
    """What the gateway gets is the recipe, whole."""
    answer = await call(service.stub.ListRecipes, pb.ListRecipesRequest(), service="decision", timeout_s=5)
    (listed,) = answer.recipes
    assert (listed.state, listed.detail) == (pb.RECIPE_STATE_READY, "")
    assert spot_recipe() == Recipe.model_validate(MessageToDict(listed.document))


async def test_health_and_metrics_follow_the_model_server(service: Service) -> None:
    """Lost: NOT_SERVING and a retryable error, never an evaluation. Back: SERVING again, by itself."""
    service.models.down = ModelServerUnavailable("Triton does not answer.")
    with pytest.raises(ModelServerUnavailable):
        await service.decide()
    await service.wait_for(health_pb2.HealthCheckResponse.NOT_SERVING)
    assert service.registry.get_sample_value("flawgate_model_server_up") == 0
    assert service.registry.get_sample_value("flawgate_recipe_ready", {"recipe": "spot"}) == 0
    service.models.down = None
    await service.wait_for(health_pb2.HealthCheckResponse.SERVING)
    assert (await service.decide()).evaluation == types_pb2.EVALUATION_NOT_OK
    assert service.registry.get_sample_value("flawgate_recipe_ready", {"recipe": "spot"}) == 1


async def test_a_recipe_that_is_gone_leaves_the_metrics(service: Service) -> None:
    """A dashboard does not show recipes of yesterday."""
    service.models.served = []
    await service.wait_for(health_pb2.HealthCheckResponse.NOT_SERVING)
    await asyncio.sleep(0.1)
    assert service.registry.get_sample_value("flawgate_recipe_ready", {"recipe": "spot"}) is None
