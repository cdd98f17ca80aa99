from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.frames import Identity
from flawgate_gateway.records.filters import InspectionFilter, PageRequest

PARTS = {f"SN-{number}": grey for number, grey in enumerate([0, 220, 255, 0, 255], start=1)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """Services with five parts on record."""
    with running_gateway() as running, running.client() as client:
        for part, grey in PARTS.items():
            answer = client.post(
                "/v1/inspections", data={"recipe": "spot", "part": part}, files={"file": spot_png(grey)}
            )
            assert answer.status_code == 201
        yield running


@pytest.fixture(scope="module")
def channel(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of its gRPC door."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


def parts(answer: pb.ListInspectionsResponse) -> list[str]:
    """Whom a page names."""
    return [inspection.identity.part for inspection in answer.inspections]


def moment(at: datetime) -> Timestamp:
    """As a message."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def test_the_proto_has_every_filter() -> None:
    """A filter that is added to one door is added to the other."""
    expected = (set(InspectionFilter.model_fields) - set(Identity.model_fields)) | {"identity"}
    assert set(pb.InspectionFilter.DESCRIPTOR.fields_by_name) == expected
    paging = set(PageRequest.model_fields) | {"filter"}
    assert set(pb.ListInspectionsRequest.DESCRIPTOR.fields_by_name) == paging


FILTERS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "all": ({}, [5, 4, 3, 2, 1]),
    "a part": ({"identity": {"part": "SN-3"}}, [3]),
    "nobody": ({"identity": {"part": "'; DROP TABLE inspections; --"}}, []),
    "a recipe": ({"recipe": "spot", "recipe_version": "1", "policy_version": "1"}, [5, 4, 3, 2, 1]),
    "two evaluations": (
        {"evaluation": [types_pb2.EVALUATION_NOT_DECIDABLE, types_pb2.EVALUATION_NOT_OK]},
        [5, 3, 2],
    ),
    "a reason": ({"reason": "SCORE_BELOW_THRESHOLD"}, [4, 1]),
    "near the threshold": ({"max_margin": 0.05}, [2]),
    "scores": ({"min_score": 0.5, "max_score": 0.9}, [2]),
    "a score of 0": ({"max_score": 0.0}, [4, 1]),
    "not reviewed": ({"reviewed": False}, [5, 4, 3, 2, 1]),
    "reviewed": ({"reviewed": True}, []),
}


@pytest.mark.parametrize("kind", FILTERS)
def test_a_filter_finds_what_it_names(door: DoorCaller, kind: str) -> None:
    """The newest first, and a filter that is said with a value of 0 or false is said."""
    wanted, numbers = FILTERS[kind]
    assert parts(door.list(filter=pb.InspectionFilter(**wanted))) == [f"SN-{number}" for number in numbers]


def test_times_are_a_filter(door: DoorCaller) -> None:
    """From included, to excluded."""
    third = next(i for i in door.list().inspections if i.identity.part == "SN-3").decided_at
    after = moment(third.ToDatetime(UTC) + timedelta(milliseconds=1))
    assert parts(door.list(filter=pb.InspectionFilter(decided_from=third)))[-1] == "SN-3"
    assert "SN-3" not in parts(door.list(filter=pb.InspectionFilter(decided_to=third)))
    assert "SN-3" in parts(door.list(filter=pb.InspectionFilter(decided_from=third, decided_to=after)))


def test_pages_go_on_where_the_last_ended_at_either_door(door: DoorCaller, gateway: httpx.Client) -> None:
    """The page token of one door is good at the other."""
    first = door.list(page_size=2, order=pb.LIST_ORDER_OLDEST)
    assert parts(first) == ["SN-1", "SN-2"]
    query: dict[str, Any] = {"page_size": 2, "order": "oldest", "page_token": first.next_page_token}
    second = gateway.get("/v1/inspections", params=query).json()
    assert [inspection["part"] for inspection in second["inspections"]] == ["SN-3", "SN-4"]
    last = door.list(page_size=2, order=pb.LIST_ORDER_OLDEST, page_token=second["next_page_token"])
    assert (parts(last), last.next_page_token) == (["SN-5"], "")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no page": ({"page_size": 0}, "`page_size`"),
    "a huge page": ({"page_size": 1_001}, "`page_size`"),
    "a token of ours no more": ({"page_token": "nonsense"}, "page token"),
    "an order that is none": ({"order": 9}, "`order`"),
    "an evaluation that is none": ({"filter": {"evaluation": [9]}}, "`evaluation"),
    "a margin above 1": ({"filter": {"max_margin": 1.5}}, "`max_margin`"),
    "a score that is no number": ({"filter": {"min_score": float("nan")}}, "`min_score`"),
    "an upper score below the lower": ({"filter": {"min_score": 0.5, "max_score": 0.4}}, "`max_score`"),
    "an empty part": ({"filter": {"identity": {"part": ""}}}, "`part`"),
    "a digest that is none": ({"filter": {"frame_sha256": "xyz"}}, "`frame_sha256`"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_filter_is_named(door: DoorCaller, kind: str) -> None:
    """INVALID_ARGUMENT with the field; never another list than the one that was asked for."""
    request, sentence = WRONG[kind]
    with pytest.raises(InvalidParameter, match=sentence) as raised:
        door.list(**request)
    assert raised.value.metadata["grpc_code"] == "INVALID_ARGUMENT"


def test_moments_in_the_wrong_order_are_told(door: DoorCaller) -> None:
    """A span that ends before it begins is a mistake, not an empty list."""
    now = datetime.now(UTC)
    span = pb.InspectionFilter(decided_from=moment(now), decided_to=moment(now - timedelta(days=1)))
    with pytest.raises(InvalidParameter, match="`decided_to`"):
        door.list(filter=span)
