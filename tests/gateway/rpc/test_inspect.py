import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import grpc
import httpx
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_pixels, spot_png

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import (
    DeadlineExceeded,
    IdempotencyKeyReused,
    InvalidParameter,
    Overloaded,
    RequestInProgress,
    UnknownInspection,
)
from flawgate_gateway.answer import FrameFacts, Inspection, Links
from flawgate_gateway.frames import Identity
from flawgate_gateway.rpc.answers import inspection_message
from flawgate_gateway.rpc.requests import order_of

PATH = "/v1/inspections"
EVERYTHING = pb.Identity(plant="Nm", line="L2", station="S4", camera="top", part="SN-1", lot="47", work_order="WO-8")


def as_message(answer: httpx.Response) -> pb.Inspection:
    """What the REST door says, as the gRPC door would."""
    return inspection_message(Inspection.model_validate(answer.json()))


@pytest.mark.parametrize(
    ("model", "message", "more"),
    [
        (Inspection, pb.Inspection, {"identity"}),
        (FrameFacts, pb.FrameFacts, set()),
        (Links, pb.Links, set()),
        (Identity, pb.Identity, set()),
    ],
    ids=["inspection", "frame", "links", "identity"],
)
def test_the_proto_has_every_field_of_the_answer(model: Any, message: Any, more: set[str]) -> None:
    """A field that is added to one door's answer is added to the other's."""
    inherited = set(Identity.model_fields) if model is Inspection else set()
    assert set(message.DESCRIPTOR.fields_by_name) == (set(model.model_fields) - inherited) | more


@pytest.mark.parametrize(
    ("grey", "evaluation", "reason"),
    [
        (255, types_pb2.EVALUATION_NOT_OK, "SCORE_ABOVE_THRESHOLD"),
        (220, types_pb2.EVALUATION_NOT_DECIDABLE, "SCORE_IN_GUARD_BAND"),
        (0, types_pb2.EVALUATION_OK, "SCORE_BELOW_THRESHOLD"),
    ],
    ids=["not ok", "not decidable", "ok"],
)
def test_the_three_evaluations_come_through(door: DoorCaller, grey: int, evaluation: Any, reason: str) -> None:
    """What decision says is what the caller reads."""
    inspection = door.inspect(spot_png(grey))
    assert (inspection.evaluation, inspection.reason) == (evaluation, reason)
    assert inspection.score == pytest.approx(grey / 255, abs=1e-6)


def test_both_doors_say_the_same_of_one_inspection(door: DoorCaller, gateway: httpx.Client) -> None:
    """Inspected over gRPC, read over both: field by field one record."""
    acquired_at = datetime(2026, 11, 20, 10, 15, 2, 114_000, UTC)
    said = door.inspect(spot_png(255), identity=EVERYTHING, acquired_at=acquired_at)
    assert said.identity == EVERYTHING
    assert said.acquired_at.ToDatetime(UTC) == acquired_at
    assert said.defects[0].class_name == "spot"
    assert door.get(said.inspection_id) == said
    assert as_message(gateway.get(f"{PATH}/{said.inspection_id}")) == said


def test_what_is_null_in_json_is_absent_in_proto(door: DoorCaller) -> None:
    """Nobody reads an empty string for a part that was not named."""
    inspection = door.inspect(spot_png(255))
    assert not inspection.identity.ListFields()
    assert not inspection.HasField("class_name")
    assert not inspection.HasField("acquired_at")
    assert not inspection.defects[0].HasField("area_mm2")


def test_raw_pixels_are_judged_like_their_file(door: DoorCaller) -> None:
    """The same pixels without a file around them have the same score."""
    pixels = spot_pixels(200)
    raw = pb.RawFrame(data=pixels.tobytes(), width=24, height=32, channels=1)
    assert door.inspect(raw).score == door.inspect(spot_png(200)).score == pytest.approx(200 / 255, abs=1e-6)


def test_an_inspection_that_is_not_there_is_told(door: DoorCaller) -> None:
    """NOT_FOUND with the reason that the REST door has for it, whatever is sent for an id."""
    for unknown in ("01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10", "no id", "", "'; DROP TABLE inspections; --"):
        with pytest.raises(UnknownInspection) as raised:
            door.get(unknown)
        assert raised.value.metadata["grpc_code"] == "NOT_FOUND"


@pytest.mark.parametrize("where", ["field", "metadata"])
def test_a_repeated_key_gets_the_recorded_answer(cluster: GatewayCluster, door: DoorCaller, where: str) -> None:
    """Word for word, without another inference, and the trailing metadata says so."""
    key = f"repeated-{where}"
    said: dict[str, Any] = (
        {"idempotency_key": key} if where == "field" else {"metadata": (("idempotency-key", f'"{key}"'),)}
    )
    first = door.inspect(spot_png(255), **said)
    assert "idempotency-replayed" not in door.trailers
    inferences = cluster.model_server.inferences
    assert door.inspect(spot_png(255), **said) == first
    assert door.trailers["idempotency-replayed"] == "true"
    assert cluster.model_server.inferences == inferences


def test_a_key_is_one_key_at_both_doors(door: DoorCaller, gateway: httpx.Client) -> None:
    """A client that changes doors between two tries still has one record."""
    answer = gateway.post(
        PATH,
        data={"recipe": "spot", "part": "SN-9"},
        files={"file": spot_png(255)},
        headers={"idempotency-key": "both"},
    )
    again = door.inspect(spot_png(255), identity=pb.Identity(part="SN-9"), idempotency_key="both")
    assert again == as_message(answer)
    assert door.trailers["idempotency-replayed"] == "true"


def test_a_key_for_another_frame_is_refused(door: DoorCaller) -> None:
    """FAILED_PRECONDITION: nobody gets the answer to another part."""
    door.inspect(spot_png(255), idempotency_key="reused")
    with pytest.raises(IdempotencyKeyReused) as raised:
        door.inspect(spot_png(0), idempotency_key="reused")
    assert raised.value.metadata["grpc_code"] == "FAILED_PRECONDITION"


def test_a_key_in_use_is_told_to_wait(cluster: GatewayCluster, door: DoorCaller) -> None:
    """ABORTED while the first call is being worked on."""
    door.inspect(spot_png(0))
    cluster.model_server.delay_s = 0.6
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(door.inspect, spot_png(255), idempotency_key="in use")
        time.sleep(0.2)
        with pytest.raises(RequestInProgress) as raised:
            door.inspect(spot_png(255), idempotency_key="in use")
        assert raised.value.metadata["grpc_code"] == "ABORTED"
        assert first.result().evaluation == types_pb2.EVALUATION_NOT_OK


@pytest.mark.parametrize(
    "metadata",
    [(("idempotency-key", "b"),), (("idempotency-key", "a"), ("idempotency-key", "b"))],
    ids=["field and metadata", "metadata twice"],
)
def test_two_keys_that_differ_are_refused(door: DoorCaller, metadata: Any) -> None:
    """Guessing which is meant could record a part twice."""
    with pytest.raises(InvalidParameter, match="differ"):
        door.inspect(spot_png(255), idempotency_key="a", metadata=metadata)


@pytest.mark.parametrize("key", ["k" * 256, "tab\there", "  "], ids=["long", "control character", "blank"])
def test_a_key_is_checked(door: DoorCaller, key: str) -> None:
    """As at the REST door."""
    with pytest.raises(InvalidParameter, match="printable ASCII"):
        door.inspect(spot_png(255), idempotency_key=key)


@pytest.mark.parametrize(
    ("said_ms", "left_s", "expected"),
    [(None, None, None), (200, None, 200), (None, 0.3, 300), (200, 0.3, 200), (500, 0.3, 300), (None, 9e9, 600_000)],
)
def test_the_shorter_deadline_holds(said_ms: int | None, left_s: float | None, expected: int | None) -> None:
    """Of the call's own and the one in the message; where neither is there, the gateway's."""
    request = pb.InspectRequest(recipe="spot", deadline_ms=said_ms)
    assert order_of(request, left_s=left_s).deadline_ms == expected


@pytest.mark.parametrize("deadline", [{"deadline_ms": 100}, {"timeout_s": 0.1}], ids=["in the message", "of the call"])
def test_a_deadline_that_passes_is_no_evaluation(deadline: dict[str, Any]) -> None:
    """DEADLINE_EXCEEDED, and the model's late answer is thrown away."""
    # A gateway that does not know yet how slow the model is: one that does says NOT_DECIDABLE at once.
    with running_gateway() as cluster, door_caller(cluster.grpc_target) as door:
        cluster.model_server.delay_s = 0.5
        with pytest.raises(DeadlineExceeded):
            door.inspect(spot_png(255), **deadline)
        assert not door.list().inspections


def test_a_message_longer_than_a_body_may_be_is_refused_and_the_door_stays_open() -> None:
    """RESOURCE_EXHAUSTED by gRPC itself, before a byte of it is looked at."""
    with running_gateway(max_body_bytes=100_000) as cluster, door_caller(cluster.grpc_target) as door:
        with pytest.raises(Overloaded) as raised:
            door.inspect(spot_png(255) + bytes(200_000))
        assert raised.value.metadata["grpc_code"] == "RESOURCE_EXHAUSTED"
        assert door.inspect(spot_png(255)).evaluation == types_pb2.EVALUATION_NOT_OK


def test_calls_are_counted(cluster: GatewayCluster, door: DoorCaller) -> None:
    """As inspections beside those of the REST door, and as calls by their status."""
    labels = {"method": "/flawgate.inspection.v1.InspectionService/Inspect", "code": grpc.StatusCode.OK.name}
    before = cluster.value("flawgate_rpc_requests_total", **labels)
    door.inspect(spot_png(255))
    assert cluster.value("flawgate_rpc_requests_total", **labels) == before + 1
    failures = cluster.value("flawgate_inspection_failures_total", reason="INVALID_PARAMETER", fault="client")
    with pytest.raises(InvalidParameter):
        door.inspect(spot_png(255), recipe="Not A Recipe")
    assert (
        cluster.value("flawgate_inspection_failures_total", reason="INVALID_PARAMETER", fault="client") == failures + 1
    )
