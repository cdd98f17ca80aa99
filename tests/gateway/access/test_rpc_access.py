import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from support.api_keys import KeyMaker, altered, bearer
from support.gateway_cluster import GatewayCluster
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png

from flawgate_contracts.errors import PermissionDenied, RateLimited, Unauthenticated
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.tokens import KeyText

PICTURE = spot_png(255)


@pytest.fixture(scope="module")
def door(secured: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of the gRPC door of a gateway that asks for keys."""
    with door_caller(secured.grpc_target) as caller:
        yield caller


def metadata(text: KeyText) -> list[tuple[str, str]]:
    """Of a key's holder."""
    return [("authorization", bearer(text))]


def test_each_method_asks_for_its_scope(door: DoorCaller, keys: KeyMaker) -> None:
    """Inspecting is one thing, reading another; the error names the scope that is missing."""
    inspecting, reading = (metadata(keys.make(scope)[1]) for scope in (Scope.INSPECT, Scope.READ))
    inspection = door.inspect(PICTURE, metadata=inspecting)
    assert door.get(inspection.inspection_id, metadata=reading) == inspection
    assert len(door.list(metadata=reading).inspections) >= 1
    with pytest.raises(PermissionDenied) as refused:
        door.inspect(PICTURE, metadata=reading)
    assert (refused.value.metadata["scope"], refused.value.metadata["grpc_code"]) == ("inspect", "PERMISSION_DENIED")
    for call in (
        lambda: door.get(inspection.inspection_id, metadata=inspecting),
        lambda: door.list(metadata=inspecting),
    ):
        with pytest.raises(PermissionDenied) as refused:
            call()
        assert refused.value.metadata["scope"] == "read"


def test_without_a_good_key_nobody_is_let_in(
    door: DoorCaller, keys: KeyMaker, logs: list[MutableMapping[str, Any]]
) -> None:
    """None, a wrong one, two of them, another scheme; no secret is in the log or in the error."""
    _, text = keys.make(Scope.ADMIN)
    tried: list[list[tuple[str, str]]] = [
        [],
        [("authorization", altered(text))],
        [("authorization", f"Basic {text.reveal()}")],
        [("authorization", text.reveal())],
        [("x-api-key", text.reveal())],
        metadata(text) * 2,
    ]
    said = ""
    for sent in tried:
        with pytest.raises(Unauthenticated) as refused:
            door.inspect(PICTURE, metadata=sent)
        assert refused.value.metadata["grpc_code"] == "UNAUTHENTICATED"
        said += f"{refused.value.message} {refused.value.metadata}"
    assert text.secret.value[:-1] not in said + str(logs)


def test_the_rate_is_one_for_both_doors(secured: GatewayCluster, door: DoorCaller, keys: KeyMaker) -> None:
    """A key that is spent over REST is spent over gRPC; when to come again is said, and true."""
    _, text = keys.make(Scope.READ, requests_per_s=0.2)  # 5 s from call to call: longer than both take
    with secured.client() as client:
        assert client.get("/v1/recipes", headers={"authorization": bearer(text)}).status_code == 200
    with pytest.raises(RateLimited) as refused:
        door.list(metadata=metadata(text))
    assert refused.value.metadata["grpc_code"] == "RESOURCE_EXHAUSTED"
    time.sleep(float(refused.value.metadata["retry_after_s"]))
    door.list(metadata=metadata(text))


def test_log_lines_name_the_key(door: DoorCaller, keys: KeyMaker, logs: list[MutableMapping[str, Any]]) -> None:
    """Of a call that failed too; the next call's lines name the next key."""
    (first, first_text), (second, second_text) = (keys.make(Scope.REVIEW) for _ in range(2))
    for text in (first_text, second_text):
        with pytest.raises(PermissionDenied):
            door.list(metadata=metadata(text))
    assert [line["key"] for line in logs if line["event"] == "call failed"] == [first.id, second.id]
