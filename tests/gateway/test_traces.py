"""Traces at the gateway's doors; the whole way, into Triton, is in tests/cluster."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RequestInfo
from google.rpc.status_pb2 import Status
from support.collector import Collector, SeenSpan
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png
from support.stream_door import frame, hello, streaming
from support.traced import traced

from flawgate.inspection.v1 import inspection_pb2 as pb

PATH = "/v1/inspections"
DOOR = "flawgate.inspection.v1.InspectionService/Inspect"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
UNKEPT = {"traceparent": f"00-{TRACE[::-1]}-{CALLER}-00"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Takes the spans of the gateway and of the services behind it."""
    with traced(OTEL_TRACES_SAMPLER="parentbased_always_on") as running:
        yield running


@pytest.fixture(scope="module")
def cluster(collector: Collector) -> Iterator[GatewayCluster]:
    """Gateway, preprocessing and decision, which send their spans to the collector."""
    assert collector.target != ""
    with running_gateway(recipe_ttl_s=60.0) as running:
        yield running


@pytest.fixture
def caller(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of the gRPC door."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


def below(spans: list[SeenSpan], name: str) -> set[str]:
    """Names of the spans that lie right below those of a name."""
    parents = {span.span_id for span in spans if span.name == name}
    return {span.name for span in spans if span.parent_id in parents}


def whole(door: str) -> Any:
    """Says whether the outermost span of a trace, which ends last, is there."""
    return lambda spans: any(span.name == door for span in spans)


def details(error: Any, kind: RequestInfo) -> RequestInfo:
    """What a call's error says of one kind."""
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert any(detail.Unpack(kind) for detail in status.details)
    return kind


STAGES = {"admission", "preprocess", "decide", "archive", "record"}


def test_a_call_of_the_grpc_door_is_a_trace(collector: Collector, caller: DoorCaller) -> None:
    """Named after the method, with its code, and the stages below it; the record bears the trace's id."""
    record = caller.inspect(spot_png(255), metadata=tuple(HEADERS.items()))
    spans = collector.awaited(TRACE, whole(DOOR))
    door = next(span for span in spans if span.name == DOOR)
    assert (record.trace_id, door.parent_id) == (TRACE, CALLER)
    assert door.attributes == {"rpc.system.name": "grpc", "rpc.method": DOOR, "rpc.response.status_code": "OK"}
    assert (below(spans, DOOR), below(spans, "inspect") >= STAGES) == ({"inspect"}, True)


def test_an_error_of_the_grpc_door_is_on_its_span(collector: Collector, caller: DoorCaller) -> None:
    """With its reason, and the caller gets the trace's id; what it did wrong is no failure of the service."""
    request = pb.InspectRequest(encoded=spot_png(255), recipe="nothing")
    metadata = (("traceparent", f"00-{'1' * 32}-{CALLER}-01"), ("x-request-id", "mes-1"))
    with pytest.raises(grpc.RpcError) as raised:
        caller.stub.Inspect(request, timeout=20, metadata=metadata)
    assert details(raised.value, RequestInfo()) == RequestInfo(request_id="mes-1", serving_data="1" * 32)
    spans = collector.awaited("1" * 32, whole(DOOR))
    told = {span.name: (span.failed, span.attributes.get("error.type")) for span in spans}
    assert told["inspect"] == (True, "UNKNOWN_RECIPE")
    assert told[DOOR] == (False, "UNKNOWN_RECIPE")


def test_each_frame_of_a_stream_has_a_trace_of_its_own(collector: Collector, caller: DoorCaller) -> None:
    """Linked to the caller of the stream, which is nobody's parent: a stream has no end."""
    trace_id = "2" * 32
    with streaming(caller, metadata=(("traceparent", f"00-{trace_id}-{CALLER}-01"),)) as stream:
        stream.open(hello())
        results = stream.settle([frame(number, part=f"SN-{number}") for number in range(1, 4)])
        stream.finish()
    traces = [result.inspection.trace_id for result in results]
    assert len({*traces, trace_id}) == 4
    for each in traces:
        spans = collector.awaited(each, whole("frame"))
        root = next(span for span in spans if span.name == "frame")
        assert (root.parent_id, root.links) == ("", ((trace_id, CALLER),))
        assert root.attributes == {
            "flawgate.station": "S4",
            "flawgate.camera": "top",
            "flawgate.outcome": "inspected",
        }
        assert below(spans, "inspect") >= STAGES
    assert collector.trace(trace_id) == []


def test_a_request_is_named_by_the_template_of_its_path(collector: Collector, cluster: GatewayCluster) -> None:
    """Neither what was asked for nor the query is in the trace; a path that is not there has no name."""
    with cluster.client() as client:
        answers = [
            client.get(path, headers={"traceparent": f"00-{digit * 32}-{CALLER}-01"})
            for digit, path in (("3", f"{PATH}/secret?part=secret"), ("4", "/secret"), ("5", "/readyz"))
        ]
    named = [collector.awaited(digit * 32, lambda spans: spans != [])[0] for digit in "34"]
    assert [span.name for span in named] == ["GET /v1/inspections/{inspection_id}", "GET"]
    assert [span.attributes["http.response.status_code"] for span in named] == [answers[0].status_code, 404]
    assert all("secret" not in str(span) for span in named)
    assert collector.trace("5" * 32) == []


def test_a_trace_that_the_caller_does_not_keep_is_not_kept(collector: Collector, cluster: GatewayCluster) -> None:
    """Its id is in the record all the same."""
    with cluster.client() as client:
        answer = client.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)}, headers=UNKEPT)
        kept = client.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)})
    collector.awaited(kept.json()["trace_id"], whole(f"POST {PATH}"))
    assert answer.json()["trace_id"] == TRACE[::-1]
    assert collector.trace(TRACE[::-1]) == []


def test_lines_of_the_log_bear_the_ids_of_trace_and_span(
    collector: Collector, cluster: GatewayCluster, logs: list[MutableMapping[str, Any]]
) -> None:
    """Of the very span in which they were written."""
    with cluster.client() as client:
        problem: httpx.Response = client.post(
            PATH, data={"recipe": "spot"}, files={"file": b"nothing"}, headers={"x-request-id": "mes-1"}
        )
    trace_id = problem.json()["trace_id"]
    spans = {span.span_id: span.name for span in collector.awaited(trace_id, whole(f"POST {PATH}"))}
    lines = [line for line in logs if line.get("request_id") == "mes-1"]
    assert {line["trace_id"] for line in lines} == {trace_id}
    written = {(line["event"], spans[line["span_id"]]) for line in lines}
    assert written == {
        ("call failed", "flawgate.preprocessing.v1.PreprocessingService/Preprocess"),
        ("request refused", f"POST {PATH}"),
        ("request", f"POST {PATH}"),
    }
