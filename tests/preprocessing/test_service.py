from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from prometheus_client import CollectorRegistry
from support.pictures import png_declaring, spot_pixels, spot_png

from flawgate.preprocessing.v1 import preprocessing_pb2 as pb
from flawgate.preprocessing.v1 import preprocessing_pb2_grpc
from flawgate_contracts import steps as contract
from flawgate_contracts.calls import call, create_channel
from flawgate_contracts.errors import FlawgateError
from flawgate_imaging import pipeline, quality
from flawgate_imaging.encoding import encode_png
from flawgate_preprocessing.app import create_server
from flawgate_preprocessing.settings import PreprocessingSettings

STEPS: list[dict[str, Any]] = [{"op": "grey"}, {"op": "resize", "height": 64, "width": 48}]


@pytest.fixture
async def stub() -> AsyncIterator[Any]:
    """A stub of a running service."""
    settings = PreprocessingSettings(port=0, max_frame_bytes=100_000, max_frame_pixels=1_000_000, grace_s=0)
    server = create_server(settings, CollectorRegistry())
    await server.start(serving=True)
    async with create_channel(f"127.0.0.1:{server.port}", max_message_bytes=10**7) as channel:
        yield preprocessing_pb2_grpc.PreprocessingServiceStub(channel)
    await server.drain_and_stop()


async def preprocess(stub: Any, steps: list[dict[str, Any]], **frame: Any) -> pb.PreprocessResponse:
    """One call."""
    request = pb.PreprocessRequest(steps=[ParseDict(step, Struct()) for step in steps], **frame)
    answer: pb.PreprocessResponse = await call(stub.Preprocess, request, service="preprocessing", timeout_s=10)
    return answer


async def test_a_frame_becomes_a_tensor_and_the_way_back(stub: Any) -> None:
    """32×24 pixels enlarged twice: bytes, shape and geometry fit, and the times are told."""
    answer = await preprocess(stub, STEPS, encoded=spot_png(200))
    assert len(answer.tensor) == 64 * 48
    assert answer.channels == 1
    geometry = answer.geometry
    assert (
        geometry.frame_width,
        geometry.frame_height,
        geometry.tensor_width,
        geometry.tensor_height,
    ) == (24, 32, 48, 64)
    assert list(geometry.matrix) == pytest.approx([0.5, 0, -0.25, 0, 0.5, -0.25])
    assert answer.decode_seconds > 0
    assert answer.steps_seconds > 0


async def test_raw_pixels_and_the_same_as_png_give_the_same_tensor(stub: Any) -> None:
    """A camera that sends no file format is served alike."""
    pixels = spot_pixels(77)
    raw = pb.RawFrame(data=pixels.tobytes(), width=24, height=32, channels=1)
    assert (await preprocess(stub, STEPS, raw=raw)).tensor == (
        await preprocess(stub, STEPS, encoded=encode_png(pixels))
    ).tensor


async def test_colour_comes_as_three_planes(stub: Any) -> None:
    """RGB is (3, height, width): all red, then all green, then all blue."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[...] = (10, 20, 30)
    answer = await preprocess(stub, [{"op": "colour"}], encoded=encode_png(pixels))
    assert answer.tensor == bytes([10] * 4 + [20] * 4 + [30] * 4)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({}, "EMPTY_FRAME"),
        ({"encoded": b""}, "EMPTY_FRAME"),
        ({"encoded": b"not a picture at all"}, "INVALID_FRAME"),
        ({"encoded": spot_png(9)[:-20]}, "INVALID_FRAME"),
        ({"encoded": png_declaring(60_000, 60_000)}, "FRAME_TOO_LARGE"),
        ({"encoded": b"\xff" * 100_001}, "BODY_TOO_LARGE"),
        ({"raw": pb.RawFrame(data=b"abc", width=2, height=2, channels=1)}, "INVALID_FRAME"),
    ],
    ids=["none", "empty", "text", "cut", "60000x60000", "bytes", "raw too short"],
)
async def test_a_bad_frame_is_an_error_of_its_own_and_the_service_stays_up(
    stub: Any, frame: dict[str, Any], reason: str
) -> None:
    """Each kind of bad frame has its reason, and the next good frame is served."""
    with pytest.raises(FlawgateError) as caught:
        await preprocess(stub, STEPS, **frame)
    assert reason == caught.value.reason
    assert (await preprocess(stub, STEPS, encoded=spot_png(1))).channels == 1


async def test_moves_and_filters_travel(stub: Any) -> None:
    """Crop, turn, blur, edges and contour are carried out as in the package, and the geometry undoes crop and turn."""
    steps: list[dict[str, Any]] = [
        {"op": "crop", "x": 2, "y": 4, "width": 20, "height": 25},
        {"op": "rotate", "quarter_turns": 1},
        {"op": "median_blur", "size": 3},
        {"op": "edges", "combine": "hypot"},
        {"op": "contour"},
    ]
    pixels = np.random.default_rng(0).integers(0, 256, (32, 24), dtype=np.uint8)
    answer = await preprocess(stub, steps, encoded=encode_png(pixels))
    expected = pipeline.apply(pixels, contract.STEPS.validate_python(steps))
    geometry = answer.geometry
    assert (answer.channels, geometry.tensor_height, geometry.tensor_width) == (1, 20, 25)
    assert answer.tensor == expected.pixels.tobytes()
    assert tuple(geometry.matrix) == expected.geometry.matrix == (0, 1, 2, -1, 0, 28)


async def test_the_frame_is_measured_as_it_came_where_that_is_asked_for(stub: Any) -> None:
    """Before any step: what the crop takes away counts too."""
    pixels = np.random.default_rng(1).integers(0, 256, (32, 24, 3), dtype=np.uint8)
    crop = {"op": "crop", "x": 0, "y": 0, "width": 4, "height": 4}
    answer = await preprocess(stub, [crop], encoded=encode_png(pixels), measure_quality=True)
    told = answer.quality
    assert quality.Measures(told.mean, told.dark_share, told.bright_share, told.focus) == quality.measure(pixels)


async def test_nothing_is_measured_unasked(stub: Any) -> None:
    """A recipe without limits costs nothing more."""
    assert not (await preprocess(stub, STEPS, encoded=spot_png(1))).HasField("quality")


async def test_a_frame_too_small_for_its_crop_is_refused(stub: Any) -> None:
    """The caller learns that the frame, not the service, is at fault."""
    crop = {"op": "crop", "x": 10, "y": 0, "width": 15, "height": 9}
    with pytest.raises(FlawgateError, match="15 × 9 pixels at") as caught:
        await preprocess(stub, [crop], encoded=spot_png(1))
    assert caught.value.reason == "INVALID_FRAME"


@pytest.mark.parametrize(
    "steps",
    [
        [{"op": "sharpen"}],
        [{"height": 5}],
        [{"op": "resize", "height": 0, "width": 5}],
        [{"op": "resize", "height": 5.5, "width": 5}],
        [{"op": "resize", "height": 99_999, "width": 5}],
        [{"op": "grey", "strength": 2}],
        [{"op": "median_blur", "size": 4}],
        [{"op": "sobel", "combine": "product"}],
        [{"op": "rotate", "quarter_turns": 4}],
    ],
)
async def test_a_bad_step_names_its_place(stub: Any, steps: list[dict[str, Any]]) -> None:
    """A step that does not exist, or cannot be, is the caller's error."""
    with pytest.raises(FlawgateError) as caught:
        await preprocess(stub, steps, encoded=spot_png(1))
    assert caught.value.reason == "INVALID_PARAMETER"
    assert caught.value.metadata["field"].startswith("steps.0")
