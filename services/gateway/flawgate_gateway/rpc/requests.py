"""Proto to what the core is asked. Fields are checked by the models of the REST door, so both doors refuse alike."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ValidationError

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import EmptyFrame, InvalidParameter
from flawgate_gateway.faults import invalid_parameter
from flawgate_gateway.frames import Frame, InspectionOrder, RawLayout
from flawgate_gateway.records.filters import InspectionFilter, PageRequest
from flawgate_gateway.records.submission import checked_key

M = TypeVar("M", bound=BaseModel)

PROTO = "flawgate/inspection/v1/inspection.proto"
MAX_DEADLINE_MS = 600_000

_ORDERS = {pb.LIST_ORDER_UNSPECIFIED: "newest", pb.LIST_ORDER_NEWEST: "newest", pb.LIST_ORDER_OLDEST: "oldest"}
EVALUATIONS = {
    types_pb2.EVALUATION_OK: "OK",
    types_pb2.EVALUATION_NOT_OK: "NOT_OK",
    types_pb2.EVALUATION_NOT_DECIDABLE: "NOT_DECIDABLE",
}


def order_of(request: pb.InspectRequest, *, left_s: float | None) -> InspectionOrder:
    """The order of a call.

    Args:
        request: its message.
        left_s: seconds to the deadline of the call; None where the caller set none.

    Raises:
        InvalidParameter: a field is missing or out of range.
    """
    said = {**said_in(request.identity), **said_in(request, "recipe", "acquired_at", "deadline_ms")}
    order = checked(InspectionOrder, {**said, **raw_layout(request)})
    if left_s is None:
        return order
    left_ms = max(1, min(int(left_s * 1000), MAX_DEADLINE_MS))
    return order.model_copy(update={"deadline_ms": min(left_ms, order.deadline_ms or MAX_DEADLINE_MS)})


def frame_of(request: pb.InspectRequest | pb.StreamFrame) -> Frame:
    """The frame of a call.

    Raises:
        EmptyFrame: it has no byte.
    """
    raw = request.raw
    frame = (
        Frame(raw.data, RawLayout(raw.width, raw.height, raw.channels))
        if request.HasField("raw")
        else Frame(request.encoded)
    )
    if not frame.data:
        raise EmptyFrame("The picture has no byte; send a file in `encoded`, or pixels in `raw`.")
    return frame


def raw_layout(request: pb.InspectRequest | pb.StreamFrame) -> dict[str, Any]:
    """The fields of an order that say how raw pixels lie; none for a file."""
    if not request.HasField("raw"):
        return {}
    return {"width": request.raw.width, "height": request.raw.height, "channels": str(request.raw.channels)}


def idempotency_key(field: str, metadata: Sequence[str]) -> str | None:
    """The idempotency key of a call; None where it has none.

    Args:
        field: of the request; empty where it says none.
        metadata: all values of `idempotency-key`.

    Raises:
        InvalidParameter: it is no key, or several that differ came.
    """
    keys = {checked_key(key) for key in (*metadata, *([field] if field else ()))}
    if len(keys) > 1:
        raise InvalidParameter(
            "Several idempotency keys came that differ, in `idempotency_key` or the metadata; send one.",
            {"field": "idempotency_key"},
        )
    return next(iter(keys), None)


def filter_of(request: pb.ListInspectionsRequest) -> InspectionFilter:
    """Which records a call asks for.

    Raises:
        InvalidParameter: a field is out of range.
    """
    said = {**said_in(request.filter.identity), **said_in(request.filter)}
    said.pop("identity", None)
    said["evaluation"] = tuple(EVALUATIONS.get(value, str(value)) for value in request.filter.evaluation)
    return checked(InspectionFilter, said)


def page_of(request: pb.ListInspectionsRequest) -> PageRequest:
    """Which part of the list, and from which end.

    Raises:
        InvalidParameter: a field is out of range.
    """
    said = said_in(request, "page_size", "page_token")
    return checked(PageRequest, {**said, "order": _ORDERS.get(request.order, str(request.order))})


def said_in(message: Message, *names: str) -> dict[str, Any]:
    """What is set of the fields of those names, or of all; by the name of the field.

    Raises:
        InvalidParameter: a moment lies outside of the years 1 to 9999.
    """
    fields = {descriptor.name: value for descriptor, value in message.ListFields()}
    wanted = names or tuple(fields)
    return {name: _plain(name, fields[name]) for name in wanted if name in fields}


def _plain(name: str, value: Any) -> Any:
    if not isinstance(value, Timestamp):
        return value
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as err:
        raise InvalidParameter(f"The field `{name}` is no time between the years 1 and 9999.", {"field": name}) from err


def checked(model: type[M], said: Mapping[str, Any]) -> M:
    """A model of fields that a message says.

    Raises:
        InvalidParameter: one is missing or not as it must be.
    """
    try:
        return model.model_validate(said)
    except ValidationError as err:
        raise invalid_parameter(err.errors(), how="set it", where=PROTO) from err
