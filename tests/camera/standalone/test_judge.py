"""The agent's own answers beside those of gateway, preprocessing and decision, for every kind of recipe."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import coloured, spot_pixels, spot_png
from support.served import spot_model
from support.standalone import STAND, STREAM_ID, TAKEN_AT, assert_alike, captured, identity
from support.tiny_kinds import SPOT, TINIES
from support.tiny_repository import HEIGHT, WIDTH, write_recipe

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.frames import Layout
from flawgate_camera.standalone.judge import StandaloneJudge
from flawgate_contracts.errors import InvalidFrame
from flawgate_contracts.recipe import QualityLimits, Recipe
from flawgate_imaging.encoding import encode_jpeg

LIMITED = "limited"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tiny recipes, and one that limits the quality of pictures."""
    folder = tmp_path_factory.mktemp("repository")
    recipes = [tiny.write(folder) for tiny in TINIES.values()]
    limits = QualityLimits(max_bright_share=0.5, refuse_repeats=True)
    limited = SPOT.recipe.model_copy(update={"name": LIMITED, "quality": limits})
    recipes.append(write_recipe(folder, limited, SPOT.graphs))
    return folder


@pytest.fixture(scope="module")
def cluster(repository: Path) -> Iterator[GatewayCluster]:
    """The three services, over the same recipes."""
    names = (*TINIES, LIMITED)
    recipes = [Recipe.from_json((repository / name / "1/recipe.json").read_bytes(), source=name) for name in names]
    with running_gateway([spot_model(recipe) for recipe in recipes]) as running:
        yield running


@pytest.fixture(scope="module")
def door(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of the gateway."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


async def own(repository: Path, recipe: str, data: bytes, *, layout: Layout | None = None) -> pb.Inspection:
    """What the agent says of a frame."""
    judge = StandaloneJudge(repository, recipe, threads=1)
    inspection = await judge.inspect(captured(data, layout=layout), STAND)
    await judge.close()
    return inspection


def theirs(door: DoorCaller, recipe: str, frame: bytes | pb.RawFrame) -> pb.Inspection:
    """What the cluster says of the same frame."""
    taken_at = Timestamp()
    taken_at.FromDatetime(TAKEN_AT)
    return door.inspect(frame, recipe, identity=identity(), acquired_at=taken_at)


@pytest.mark.parametrize("name", TINIES)
async def test_every_kind_is_answered_as_by_the_cluster(repository: Path, door: DoorCaller, name: str) -> None:
    """Evaluation, reason, score, class, probabilities, defects, models, policy, steps: all but ids and times."""
    for seed in range(3):
        data = coloured(seed)
        assert_alike(theirs(door, name, data), await own(repository, name, data))


async def test_files_and_raw_pixels_are_read_as_by_the_cluster(repository: Path, door: DoorCaller) -> None:
    """A JPEG is judged by its decoded pixels, raw ones by their layout."""
    pixels = spot_pixels(230)
    jpeg = encode_jpeg(np.repeat(pixels[..., np.newaxis], 3, axis=2), quality=90)
    assert_alike(theirs(door, "spot", jpeg), await own(repository, "spot", jpeg))
    raw = pb.RawFrame(data=pixels.tobytes(), width=WIDTH, height=HEIGHT, channels=1)
    answer = await own(repository, "spot", raw.data, layout=Layout(WIDTH, HEIGHT, 1))
    assert_alike(theirs(door, "spot", raw), answer)
    assert answer.evaluation == types_pb2.EVALUATION_NOT_OK


async def test_a_bad_picture_is_refused_as_by_the_cluster(repository: Path, door: DoorCaller) -> None:
    """No model is asked; the reason and what was measured are the same."""
    white = encode_jpeg(np.full((HEIGHT, WIDTH), 255, np.uint8), quality=90)
    answer = await own(repository, LIMITED, white)
    assert (answer.reason, answer.HasField("score")) == ("PICTURE_TOO_BRIGHT", False)
    assert answer.picture_quality["bright_share"] == 1
    assert_alike(theirs(door, LIMITED, white), answer)


async def test_a_frame_that_repeats_the_one_before_is_refused(repository: Path) -> None:
    """By the bytes of the camera's frame before, where the recipe wants it so."""
    judge = StandaloneJudge(repository, LIMITED, threads=1)
    data = spot_png(230)
    first = await judge.inspect(captured(data), STAND)
    again = await judge.inspect(captured(data, sequence=2), STAND, before=first.frame.sha256)
    await judge.close()
    assert (first.reason, again.reason) == ("SCORE_ABOVE_THRESHOLD", "PICTURE_FROZEN")


async def test_the_record_says_who_decided_when_and_on_which_frame(repository: Path) -> None:
    """Id, times and version are the agent's own; the capture names the frame in its stream."""
    before, data = datetime.now(UTC), spot_png(255)
    inspection = await own(repository, "spot", data)
    assert UUID(inspection.inspection_id).version == 7
    assert inspection.service_version.startswith("flawgate-camera ")
    assert inspection.capture == pb.Capture(stream_id=str(STREAM_ID), sequence=1, trigger_id="T-1")
    assert inspection.frame.sha256 == hashlib.sha256(data).hexdigest()
    assert (len(inspection.request_id), len(inspection.trace_id)) == (32, 32)
    moments = [moment.ToDatetime(tzinfo=UTC) for moment in (inspection.received_at, inspection.decided_at)]
    assert before - timedelta(milliseconds=1) <= moments[0] <= moments[1] <= datetime.now(UTC)


async def test_what_is_no_picture_is_not_judged(repository: Path) -> None:
    """It is an error, never an evaluation."""
    with pytest.raises(InvalidFrame):
        await own(repository, "spot", spot_png(255)[:40])
