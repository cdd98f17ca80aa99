"""Pictures that are not good enough to be judged: NOT_DECIDABLE with their reason, and no model is asked."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import grpc
import numpy as np
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.gateway_fakes import FakeDecider
from support.grpc_door import door_caller
from support.inspector_bench import Bench, MakeBench, make, told
from support.served import spot_model
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

from flawgate.inspection.v1 import types_pb2
from flawgate.preprocessing.v1 import preprocessing_pb2, preprocessing_pb2_grpc
from flawgate_contracts.calls import create_channel
from flawgate_contracts.errors import DependencyUnavailable
from flawgate_contracts.recipe import QualityLimits, Recipe
from flawgate_gateway.answer import Inspection
from flawgate_gateway.clients import PreprocessingClient
from flawgate_gateway.core import Arrival
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_imaging.encoding import encode_png
from flawgate_imaging.quality import Measures, measure

__all__ = ["make"]

PATH = "/v1/inspections"
GOOD = Measures(mean=0.5, dark_share=0.0, bright_share=0.0, focus=100.0)


def limited(**limits: Any) -> Recipe:
    """The recipe `spot` with limits of its pictures' quality."""
    return spot_recipe().model_copy(update={"quality": QualityLimits(**limits)})


def bench_of(make: MakeBench, recipe: Recipe, measures: Measures = GOOD) -> Bench:
    """A bench whose every picture has these measures."""
    bench = make(decider=FakeDecider(recipe))
    bench.preprocessor.quality = measures
    return bench


async def inspected(bench: Bench, *, repeats: bool) -> Inspection:
    """The inspection of a frame of a camera's stream."""
    frame = Frame(b"a picture", repeats=repeats)
    return (await bench.inspector.inspect(frame, InspectionOrder(recipe="spot"), Arrival.now())).inspection


@pytest.mark.parametrize(
    ("limits", "measures", "reason"),
    [
        ({"min_mean": 0.2}, replace(GOOD, mean=0.1), "PICTURE_TOO_DARK"),
        ({"max_bright_share": 0.2}, replace(GOOD, bright_share=0.9), "PICTURE_TOO_BRIGHT"),
        ({"min_focus": 10.0}, replace(GOOD, focus=2.0), "PICTURE_OUT_OF_FOCUS"),
        ({}, replace(GOOD, mean=0.0, dark_share=1.0), "PICTURE_BLACK"),
    ],
)
async def test_a_bad_picture_is_not_decidable_and_no_model_is_asked(
    make: MakeBench, limits: dict[str, float], measures: Measures, reason: str
) -> None:
    """It is on record with what was measured, its size and its picture, and without score, mask or models."""
    bench = bench_of(make, limited(**limits), measures)
    inspection = await bench.inspect(part="SN-1")
    assert (inspection.evaluation, inspection.reason, inspection.score) == ("NOT_DECIDABLE", reason, None)
    assert inspection.picture_quality == asdict(measures)
    assert (inspection.frame.width, inspection.frame.height) == (WIDTH, HEIGHT)
    assert (inspection.models, inspection.preprocessing, inspection.stage_scores) == ((), (), {})
    assert set(inspection.stage_seconds) == {"preprocess", "decode", "steps"}
    assert told(inspection) == told(await bench.records.get(inspection.inspection_id))
    links = inspection.links
    assert (links.frame, links.mask, links.overlay) == (f"{links.self}/frame", None, None)
    assert bench.decider.decided == []
    bench.assert_balanced()


async def test_a_good_picture_is_judged_and_its_measures_are_on_record(make: MakeBench) -> None:
    """Limits cost an evaluation nothing, and whoever sets them later sees what good parts measure."""
    bench = bench_of(make, limited(min_mean=0.2, min_focus=10.0))
    inspection = await bench.inspect()
    assert (inspection.evaluation, inspection.picture_quality) == ("NOT_OK", asdict(GOOD))
    assert told(inspection) == told(await bench.records.get(inspection.inspection_id))


async def test_without_limits_nothing_is_measured(make: MakeBench) -> None:
    """Not even a black picture is refused: a recipe from before goes on as it was."""
    bench = bench_of(make, spot_recipe(), Measures(0.0, 1.0, 0.0, 0.0))
    inspection = await bench.inspect()
    assert (inspection.evaluation, inspection.picture_quality) == ("NOT_OK", {})


@pytest.mark.parametrize(
    ("refuse_repeats", "repeats", "reason"),
    [
        (True, True, "PICTURE_FROZEN"),
        (True, False, "SCORE_ABOVE_THRESHOLD"),
        (False, True, "SCORE_ABOVE_THRESHOLD"),
    ],
)
async def test_the_same_bytes_again_are_a_frozen_camera_where_the_recipe_says_so(
    make: MakeBench, *, refuse_repeats: bool, repeats: bool, reason: str
) -> None:
    """What the stream's door says of a frame counts for recipes that ask for it, and for no other."""
    bench = bench_of(make, limited(refuse_repeats=refuse_repeats))
    assert (await inspected(bench, repeats=repeats)).reason == reason


class OldPreprocessing(preprocessing_pb2_grpc.PreprocessingServiceServicer):
    """The service as it was before it measured pictures."""

    async def Preprocess(  # noqa: N802 - the rpc's name
        self, request: preprocessing_pb2.PreprocessRequest, context: object
    ) -> preprocessing_pb2.PreprocessResponse:
        """One pixel, whatever comes."""
        geometry = types_pb2.Geometry(
            frame_width=1, frame_height=1, tensor_width=1, tensor_height=1, matrix=(1, 0, 0, 0, 1, 0)
        )
        return preprocessing_pb2.PreprocessResponse(tensor=b"\0", channels=1, geometry=geometry)


async def test_a_service_that_cannot_measure_lets_no_picture_through() -> None:
    """While services are updated, limits that nobody can check are an error, never an evaluation."""
    server = grpc.aio.server()
    preprocessing_pb2_grpc.add_PreprocessingServiceServicer_to_server(OldPreprocessing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with create_channel(f"127.0.0.1:{port}", max_message_bytes=10**6) as channel:
        client = PreprocessingClient(channel, timeout_s=10)
        assert (await client.preprocess(Frame(b"x"), (), measure_quality=False)).quality is None
        with pytest.raises(DependencyUnavailable, match="update it"):
            await client.preprocess(Frame(b"x"), (), measure_quality=True)
    await server.stop(0)


@pytest.fixture(scope="module")
def limited_cluster() -> Iterator[GatewayCluster]:
    """The services with a recipe that limits exposure, and no focus."""
    with running_gateway([spot_model(limited(max_mean=0.5))]) as running:
        yield running


@pytest.mark.parametrize(
    ("picture", "evaluation", "reason"),
    [
        (np.zeros((HEIGHT, WIDTH), np.uint8), "NOT_DECIDABLE", "PICTURE_BLACK"),
        (np.full((HEIGHT, WIDTH, 3), 200, np.uint8), "NOT_DECIDABLE", "PICTURE_TOO_BRIGHT"),
        (np.full((HEIGHT, WIDTH), 100, np.uint8), "OK", "SCORE_BELOW_THRESHOLD"),
    ],
    ids=["black", "bright", "good"],
)
def test_all_services_together_keep_bad_pictures_from_the_models(
    limited_cluster: GatewayCluster, picture: np.ndarray[Any, np.dtype[np.uint8]], evaluation: str, reason: str
) -> None:
    """Over REST: what preprocessing measures decides, the record tells it, and the frame can be looked at."""
    with limited_cluster.client() as client:
        answer = client.post(PATH, data={"recipe": "spot"}, files={"file": encode_png(picture)})
        assert answer.status_code == 201, answer.text
        said = answer.json()
        assert (said["evaluation"], said["reason"]) == (evaluation, reason)
        assert said["picture_quality"] == asdict(measure(picture))
        assert client.get(said["links"]["frame"]).content == encode_png(picture)
        assert client.get(said["links"]["self"]).json() == said


def test_the_grpc_door_tells_the_measures(limited_cluster: GatewayCluster) -> None:
    """Under the names that the REST door has for them; the reason is counted."""
    with door_caller(limited_cluster.grpc_target) as door:
        inspection = door.inspect(encode_png(np.zeros((HEIGHT, WIDTH), np.uint8)))
    assert dict(inspection.picture_quality) == {"mean": 0.0, "dark_share": 1.0, "bright_share": 0.0, "focus": 0.0}
    counted = {"recipe": "spot", "station": "", "evaluation": "NOT_DECIDABLE", "reason": "PICTURE_BLACK"}
    assert limited_cluster.value("flawgate_inspections_total", **counted) >= 1
