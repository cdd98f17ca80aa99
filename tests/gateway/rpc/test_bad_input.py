from typing import Any

import grpc
import pytest
from support.bad_inputs import FIELDS, REFUSED, TAKEN
from support.grpc_door import DoorCaller, refusal
from support.pictures import spot_png

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import FlawgateError, InvalidParameter
from flawgate_contracts.grpc_errors import GRPC_CODES
from flawgate_gateway.frames import Identity

UNSAYABLE = {"unknown field", "said twice", "deadline in words"}
"""What a proto has no way to say."""

SAYABLE = sorted(FIELDS.keys() - UNSAYABLE)


def assert_refused(door: DoorCaller, code: str, sentence: str, **request: Any) -> FlawgateError:
    """That error with that sentence, and the next good frame is inspected."""
    with pytest.raises(FlawgateError) as raised:
        door.inspect(**request)
    error = raised.value
    assert (error.reason, error.metadata["grpc_code"]) == (code, GRPC_CODES[type(error)].name)
    assert sentence in error.message
    assert door.inspect(spot_png(255)).evaluation == types_pb2.EVALUATION_NOT_OK
    return error


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_picture_is_a_clear_error_and_the_door_stays_open(door: DoorCaller, kind: str) -> None:
    """Each kind has the code and the sentence that it has at the REST door."""
    data, _, code, sentence = REFUSED[kind]
    error = assert_refused(door, code, sentence, frame=data)
    assert not error.retryable


@pytest.mark.parametrize("kind", TAKEN)
def test_an_odd_picture_is_converted_by_the_stated_rule(door: DoorCaller, kind: str) -> None:
    """With the score that it has at the REST door."""
    data, score = TAKEN[kind]
    assert door.inspect(data).score == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("kind", SAYABLE)
def test_a_bad_field_is_named(door: DoorCaller, kind: str) -> None:
    """Code and sentence are those of the REST door, but for how a field is sent."""
    fields, _, code, sentence = FIELDS[kind]
    said = dict(fields)
    request: dict[str, Any] = {"recipe": said.get("recipe", "")}
    request["identity"] = pb.Identity(**{name: value for name, value in said.items() if name in Identity.model_fields})
    if "deadline_ms" in said:
        request["deadline_ms"] = int(said["deadline_ms"])
    error = assert_refused(door, code, sentence.partition(";")[0], frame=spot_png(255), **request)
    if code == "INVALID_PARAMETER":
        assert f"`{error.metadata['field']}`" in error.message


@pytest.mark.parametrize(
    ("layout", "code", "sentence"),
    [
        ((24, 33, 1), "INVALID_FRAME", "take 792 bytes, but 768 came"),
        ((24, 32, 3), "INVALID_FRAME", "take 2304 bytes"),
        ((60_000, 60_000, 1), "FRAME_TOO_LARGE", "60000 × 60000"),
        ((24, 32, 0), "INVALID_PARAMETER", "`channels`"),
        ((24, 32, 2), "INVALID_PARAMETER", "`channels`"),
        ((0, 32, 1), "INVALID_PARAMETER", "`width`"),
        ((24, 2**32 - 1, 1), "INVALID_PARAMETER", "`height`"),
    ],
    ids=["too few", "other channels", "huge", "no channels", "two channels", "zero", "beyond"],
)
def test_raw_pixels_must_fit_their_layout(
    door: DoorCaller, layout: tuple[int, int, int], code: str, sentence: str
) -> None:
    """Width, height and channels are checked against each other and the bytes."""
    width, height, channels = layout
    frame = pb.RawFrame(data=bytes(768), width=width, height=height, channels=channels)
    assert_refused(door, code, sentence, frame=frame)


def test_no_frame_at_all_is_told(door: DoorCaller) -> None:
    """Neither of the two ways was taken."""
    with pytest.raises(FlawgateError, match="no byte") as raised:
        door.call("Inspect", pb.InspectRequest(recipe="spot"))
    assert raised.value.reason == "EMPTY_FRAME"


@pytest.mark.parametrize("seconds", [-(2**62), 2**62, 253_402_300_800], ids=["before", "after", "year 10,000"])
def test_a_moment_beyond_the_calendar_is_told(door: DoorCaller, seconds: int) -> None:
    """A clock that is off is the caller's fault, not a crash."""
    with pytest.raises(InvalidParameter, match="`acquired_at`"):
        door.inspect(spot_png(255), acquired_at={"seconds": seconds})


def test_bytes_that_are_no_message_are_refused(door: DoorCaller) -> None:
    """INVALID_ARGUMENT, and the door stays open."""
    send: Any = door.channel.unary_unary("/flawgate.inspection.v1.InspectionService/Inspect")
    with pytest.raises(grpc.RpcError) as raised:
        send(b"\xff" * 100, timeout=20)
    error = refusal(raised.value)
    assert (error.reason, error.metadata["grpc_code"]) == ("INVALID_REQUEST", "INVALID_ARGUMENT")
    assert door.inspect(spot_png(255)).evaluation == types_pb2.EVALUATION_NOT_OK
