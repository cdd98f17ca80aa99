"""What a camera's side sends, as the core of streams reads it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from google.protobuf.json_format import MessageToDict
from pydantic import BaseModel, ValidationError

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import InvalidRequest
from flawgate_gateway.answer import Inspection
from flawgate_gateway.faults import invalid_parameter
from flawgate_gateway.frames import CameraStream, InspectionOrder, PlantId
from flawgate_gateway.rpc.requests import EVALUATIONS, PROTO, checked, frame_of, raw_layout, said_in
from flawgate_gateway.stream.messages import FrameContent, Hello, SentFrame, SentGap

_DELIVERIES = {
    pb.DELIVERY_POLICY_LOSSLESS: "lossless",
    pb.DELIVERY_POLICY_LATEST: "latest",
    pb.DELIVERY_POLICY_EVERY: "every",
}
_CAUSE = "DROP_CAUSE_"


class _Trigger(BaseModel):
    trigger_id: PlantId | None = None


def message_of(request: pb.InspectStreamRequest) -> Hello | SentFrame | SentGap:
    """A message of the camera's side; of a frame, only the number is read.

    Raises:
        InvalidRequest: it is none of the three, or a field of a hello or a gap is missing or out of range.
    """
    match request.WhichOneof("message"):
        case "hello":
            return _hello(request.hello)
        case "frame":
            return SentFrame(request.frame.sequence, request.ByteSize(), partial(_content, request.frame))
        case "gap":
            return _gap(request.gap)
        case _:
            raise InvalidRequest("A message of the stream holds neither a hello nor a frame nor a gap; send one.")


def _hello(hello: pb.StreamHello) -> Hello:
    said = {**said_in(hello.identity), **said_in(hello, "stream_id", "recipe", "next_sequence")}
    return checked(Hello, {**said, "delivery": _DELIVERIES.get(hello.delivery, "unspecified")})


def _gap(gap: pb.StreamGap) -> SentGap:
    name = pb.DropCause.Name(gap.cause) if gap.cause in pb.DropCause.values() else ""
    return checked(SentGap, {**said_in(gap), "cause": name.removeprefix(_CAUSE)})


def _content(sent: pb.StreamFrame, stream: CameraStream) -> FrameContent:
    """The rest of a frame's message; what the hello said holds where the frame says nothing else.

    Raises:
        InvalidRequest: a field is out of range, or there is no picture.
    """
    known = stream.identity.model_dump(exclude_none=True)
    own = said_in(sent, "part", "lot", "work_order", "acquired_at", "deadline_ms")
    order = checked(InspectionOrder, {**known, **own, **raw_layout(sent), "recipe": stream.recipe})
    trigger = checked(_Trigger, said_in(sent, "trigger_id"))
    decided = decided_inspection(sent.decided) if sent.HasField("decided") else None
    return FrameContent(frame_of(sent), order, trigger.trigger_id, decided)


def decided_inspection(message: pb.Inspection) -> Inspection:
    """An inspection that the camera's side has made.

    Raises:
        InvalidParameter: a field is missing or out of range.
    """
    said = {
        **said_in(message.identity),
        **said_in(message, *_COPIED),
        **_missing_is_null(message),
        "evaluation": EVALUATIONS.get(message.evaluation, str(message.evaluation)),
        "probabilities": [_plain(told) for told in message.probabilities],
        "defects": [_plain(told) for told in message.defects],
        "models": [_plain(told) for told in message.models],
        "frame": {"width": None, "height": None, **_plain(message.frame)},
        "policy": MessageToDict(message.policy),
        "preprocessing": [MessageToDict(step) for step in message.preprocessing],
        **{name: dict(getattr(message, name)) for name in ("stage_scores", "stage_seconds", "picture_quality")},
        "links": {"self": "", "frame": None, "mask": None, "overlay": None},
    }
    try:
        return Inspection.model_validate(said)
    except ValidationError as err:
        raise invalid_parameter(err.errors(), at="decided.", how="set it", where=PROTO) from err


_COPIED = (
    "inspection_id",
    "recipe",
    "recipe_version",
    "policy_version",
    "threshold",
    "reason",
    "class_name",
    "request_id",
    "trace_id",
    "service_version",
    "acquired_at",
    "received_at",
    "decided_at",
)


def _missing_is_null(message: pb.Inspection) -> dict[str, Any]:
    """What proto leaves out where it is 0, and what may be null."""
    return {"threshold": message.threshold, "score": message.score if message.HasField("score") else None}


def _plain(message: Any) -> Mapping[str, Any]:
    """The fields of a part of an inspection, as JSON has them."""
    told = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    if isinstance(message, types_pb2.Defect):
        return {"area_mm2": None, **told}
    return told
