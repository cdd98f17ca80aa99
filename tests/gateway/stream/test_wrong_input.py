from typing import Any

import grpc
import pytest
from support.grpc_door import DoorCaller
from support.stream_door import frame, gap, hello, streaming

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import (
    FlawgateError,
    InvalidParameter,
    InvalidRequest,
    UnknownRecipe,
)

WRONG_HELLOS: list[tuple[dict[str, Any], type[FlawgateError], str]] = [
    ({"stream_id": "no uuid"}, InvalidParameter, "stream_id"),
    ({"identity": pb.Identity(camera="top")}, InvalidParameter, "station"),
    ({"identity": pb.Identity(station="S4")}, InvalidParameter, "camera"),
    ({"recipe": "Not A Recipe"}, InvalidParameter, "recipe"),
    ({"delivery": pb.DELIVERY_POLICY_UNSPECIFIED}, InvalidParameter, "delivery"),
    ({"delivery": 99}, InvalidParameter, "delivery"),
    ({"next_sequence": 0}, InvalidParameter, "next_sequence"),
    ({"next_sequence": 2**64 - 1}, InvalidParameter, "next_sequence"),
]


@pytest.mark.parametrize(("changes", "error", "match"), WRONG_HELLOS, ids=[str(each[0]) for each in WRONG_HELLOS])
def test_a_wrong_hello_is_refused(
    door: DoorCaller, changes: dict[str, Any], error: type[FlawgateError], match: str
) -> None:
    """With the field that is wrong."""
    with streaming(door) as stream, pytest.raises(error, match=match):
        stream.open(hello(**changes))


def test_a_recipe_that_is_not_there_ends_the_stream_with_its_first_frame(door: DoorCaller) -> None:
    """NOT_FOUND: the camera's side keeps its frames and waits."""
    with streaming(door) as stream:
        stream.open(hello(recipe="nothing"))
        stream.send(frame(1))
        with pytest.raises(UnknownRecipe) as raised:
            stream.result()
    assert raised.value.metadata["grpc_code"] == "NOT_FOUND"


WRONG_FRAMES = [
    (frame(2, b"no picture"), "INVALID_FRAME"),
    (pb.StreamFrame(sequence=2), "EMPTY_FRAME"),
    (frame(2, part="\x00"), "INVALID_PARAMETER"),
    (frame(2, trigger_id="t" * 129), "INVALID_PARAMETER"),
    (frame(2, deadline_ms=0), "INVALID_PARAMETER"),
    (frame(2, decided=pb.Inspection()), "INVALID_PARAMETER"),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG_FRAMES, ids=["bytes", "none", "part", "trigger", "time", "decided"])
def test_a_frame_that_can_never_be_inspected_is_a_gap(door: DoorCaller, wrong: pb.StreamFrame, reason: str) -> None:
    """The stream goes on with the next."""
    with streaming(door) as stream:
        stream.open()
        before, refused, after = stream.settle([frame(1), wrong, frame(3)])
    assert (refused.error.reason, refused.error.cause) == (reason, pb.DROP_CAUSE_REFUSED)
    assert before.inspection.evaluation == after.inspection.evaluation == types_pb2.EVALUATION_NOT_OK


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        (frame(9), InvalidParameter, "Number 1 comes next"),
        (gap(2, 3), InvalidParameter, "Number 1 comes next"),
        (gap(1, 0), InvalidParameter, "last_sequence"),
        (gap(1, 2, pb.DROP_CAUSE_UNSPECIFIED), InvalidParameter, "cause"),
        (gap(1, 2, 77), InvalidParameter, "cause"),
        (pb.StreamGap(first_sequence=1, last_sequence=1, cause=pb.DROP_CAUSE_STALE), InvalidParameter, "since"),
        (hello(), InvalidRequest, "second hello"),
    ],
    ids=["hole", "hole before a gap", "gap turned round", "no cause", "unknown cause", "no time", "second hello"],
)
def test_what_breaks_the_protocol_ends_the_stream(
    door: DoorCaller, wrong: Any, error: type[FlawgateError], match: str
) -> None:
    """INVALID_ARGUMENT, with one sentence."""
    with streaming(door) as stream:
        stream.open()
        stream.send(wrong)
        with pytest.raises(error, match=match) as raised:
            stream.result()
    assert raised.value.metadata["grpc_code"] == "INVALID_ARGUMENT"


def test_bytes_that_are_no_message_end_the_stream(door: DoorCaller) -> None:
    """And so does an empty message."""
    call: Any = door.channel.stream_stream("/flawgate.inspection.v1.InspectionService/InspectStream")
    for sent in (b"\xff\xff\xff", b""):
        with pytest.raises(grpc.RpcError) as raised:
            list(call(iter([sent]), timeout=20))
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
