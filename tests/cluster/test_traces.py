"""One trace from the MES through every service into Triton, at a collector."""

import json
from collections.abc import Iterable, Iterator

import httpx
import pytest
from support.cluster import ClusterUnderTest, run_cluster
from support.collector import Collector, SeenSpan, collecting
from support.pictures import spot_png
from support.tiny_repository import write_spot

pytestmark = pytest.mark.cluster

TRIES = 5
"""Triton's exporter loses a batch now and then."""
CALLER = "00f067aa0ba902b7"
PART = "part-of-a-secret-order"
GATEWAY, PREPROCESSING, DECISION = (f"flawgate-{name}" for name in ("gateway", "preprocessing", "decision"))
TRITON = "triton-inference-server"
PREPROCESS = "flawgate.preprocessing.v1.PreprocessingService/Preprocess"
DECIDE = "flawgate.decision.v1.DecisionService/Decide"
TREE = [
    ("MES", GATEWAY, "POST /v1/inspections"),
    ("POST /v1/inspections", GATEWAY, "inspect"),
    ("inspect", GATEWAY, "admission"),
    ("inspect", GATEWAY, "preprocess"),
    ("preprocess", PREPROCESSING, PREPROCESS),
    (PREPROCESS, PREPROCESSING, "decode"),
    (PREPROCESS, PREPROCESSING, "steps"),
    ("inspect", GATEWAY, "decide"),
    ("decide", DECISION, DECIDE),
    (DECIDE, DECISION, "infer"),
    ("infer", TRITON, "InferRequest"),
    ("InferRequest", TRITON, "spot"),
    ("spot", TRITON, "spot_seg"),
    ("spot_seg", TRITON, "compute"),
    ("spot", TRITON, "spot_cls"),
    ("spot_cls", TRITON, "compute"),
    (DECIDE, DECISION, "policy"),
    ("inspect", GATEWAY, "archive"),
    ("inspect", GATEWAY, "record"),
]
"""Parent, service and name of each span of an inspection."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Takes the spans of all processes."""
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def cluster(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """The services and Triton, which send their spans to the collector."""
    repository = tmp_path_factory.mktemp("repository")
    write_spot(repository)
    yield from run_cluster(
        repository,
        environment={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.target}", "OTEL_BSP_SCHEDULE_DELAY": "200"},
        triton_trace_url=f"{collector.http_url}/v1/traces",
    )


def of_the_frame(spans: Iterable[SeenSpan]) -> list[SeenSpan]:
    """Without those of a gateway that asks for the list of recipes anew, since its own has grown old."""
    return [span for span in spans if not span.name.endswith("/ListRecipes")]


def traced(cluster: ClusterUnderTest, collector: Collector) -> tuple[httpx.Response, list[SeenSpan]]:
    """An inspection whose trace an MES has begun, and that trace, Triton's spans included."""
    for number in range(1, TRIES + 1):
        trace_id = f"{number:032x}"
        headers = {"traceparent": f"00-{trace_id}-{CALLER}-01", "x-request-id": f"mes-{number}"}
        answer = cluster.http.post(
            "/v1/inspections", data={"recipe": "spot", "part": PART}, files={"file": spot_png(200)}, headers=headers
        )
        spans = collector.settled(trace_id, within_s=8.0, is_whole=lambda spans: len(of_the_frame(spans)) >= len(TREE))
        if any(span.service == TRITON for span in spans):
            return answer, spans
    raise AssertionError("Triton sent no span to the collector.")


@pytest.fixture(scope="module")
def inspected(cluster: ClusterUnderTest, collector: Collector) -> tuple[httpx.Response, list[SeenSpan]]:
    """One traced inspection for all tests."""
    return traced(cluster, collector)


def test_one_trace_shows_where_the_time_went(inspected: tuple[httpx.Response, list[SeenSpan]]) -> None:
    """From the MES's span down to each model in Triton, each span below the one that caused it."""
    _, spans = inspected
    names = {span.span_id: span.name for span in spans} | {CALLER: "MES"}
    told = [(names[span.parent_id], span.service, span.name) for span in of_the_frame(spans)]
    assert sorted(told) == sorted(TREE)
    assert {span.failed for span in spans} == {False}


def test_children_lie_within_their_parents_time(inspected: tuple[httpx.Response, list[SeenSpan]]) -> None:
    """All clocks of one machine agree: nothing begins before what caused it, nor ends after it within its service.

    A server may end later than its caller: it has answered, and then the machine did something else.
    """
    _, spans = inspected
    by_id = {span.span_id: span for span in spans}
    below = [(span, by_id[span.parent_id]) for span in spans if span.parent_id in by_id]
    slack_ns = 2_000_000  # measured in another thread, and rounded
    assert [
        (span.name, parent.name)
        for span, parent in below
        if span.start_ns < parent.start_ns - slack_ns
        or (span.service == parent.service and span.end_ns > parent.end_ns + slack_ns)
    ] == []


def test_the_ids_agree_wherever_somebody_looks(
    cluster: ClusterUnderTest, inspected: tuple[httpx.Response, list[SeenSpan]]
) -> None:
    """The record, and what a span tells of it; no span tells of a part."""
    answer, spans = inspected
    record = answer.json()
    assert record["trace_id"] == spans[0].trace_id
    assert cluster.http.get(record["links"]["self"]).json()["trace_id"] == spans[0].trace_id
    told = next(span.attributes for span in spans if span.name == "inspect")
    assert told["flawgate.inspection_id"] == record["inspection_id"]
    assert (told["flawgate.evaluation"], told["flawgate.score"]) == (record["evaluation"], record["score"])
    assert PART not in json.dumps([span.attributes for span in spans])


def test_a_failure_is_found_by_its_trace(cluster: ClusterUnderTest, collector: Collector) -> None:
    """The same id in the problem, in the line of every service that was at work, and on the spans that failed."""
    trace_id = "f" * 31 + "0"
    answer = cluster.http.post(
        "/v1/inspections",
        data={"recipe": "spot"},
        files={"file": b"no picture"},
        headers={"traceparent": f"00-{trace_id}-{CALLER}-01"},
    )
    assert answer.json()["trace_id"] == trace_id

    def told(spans: list[SeenSpan]) -> bool:
        lines, ids = logged(cluster, trace_id), {span.span_id for span in spans}
        return {service for service, _ in lines} == {"gateway", "preprocessing"} and {span for _, span in lines} <= ids

    spans = collector.awaited(trace_id, told)
    failed = {(span.name, span.attributes.get("error.type")) for span in spans if span.failed}
    assert failed == {("inspect", "INVALID_FRAME"), ("preprocess", "INVALID_FRAME")}


def logged(cluster: ClusterUnderTest, trace_id: str) -> list[tuple[str, str]]:
    """Service and span of each line that names a trace."""
    lines = [line.split(": ", 1) for line in cluster.lines if trace_id in line]
    return [(service, json.loads(line)["span_id"]) for service, line in lines]


def test_an_exemplar_leads_from_a_latency_to_its_trace(
    cluster: ClusterUnderTest, inspected: tuple[httpx.Response, list[SeenSpan]]
) -> None:
    """Whoever asks for OpenMetrics finds a trace id beside the bucket."""
    _, spans = inspected
    url = f"http://127.0.0.1:{cluster.layout.ports.gateway_metrics}/metrics"
    text = httpx.get(url, headers={"accept": "application/openmetrics-text; version=1.0.0"}, trust_env=False).text
    buckets = [line for line in text.splitlines() if line.startswith("flawgate_inspection_duration_seconds_bucket")]
    assert [line for line in buckets if f'trace_id="{spans[0].trace_id}"' in line] != []
