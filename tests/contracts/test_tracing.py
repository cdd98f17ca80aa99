import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace.sampling import Decision
from support.collector import Collector
from support.traced import traced

from flawgate_contracts.context import RequestContext, current_context, new_context
from flawgate_contracts.errors import InvalidFrame, UnknownRecipe
from flawgate_contracts.startup import StartupError
from flawgate_contracts.tracing import Served, client_span, configure_tracing, exemplar, past_span, span
from flawgate_contracts.tracing.configuring import is_wanted
from flawgate_contracts.tracing.sampling import AtMostASecond

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
ALL = {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}

OFF = """
import sys
from flawgate_contracts.context import bound, new_context
from flawgate_contracts.serving import run_service
from flawgate_contracts.tracing import Served, configure_tracing, dropped_spans, exemplar, span, shut_down

configure_tracing("testing")
with Served(new_context({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}), "request") as door:
    with span("inspect", recipe="spot") as inner:
        inner.set(score=0.5)
    assert span("one") is span("another")
    assert exemplar() is None
    assert door.context.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
assert dropped_spans() == 0
shut_down()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    """No variable, no span, no module: all spans are the same one, which does nothing."""
    run = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_the_standard_variables_switch_it_on(variables: dict[str, str], *, expected: bool) -> None:
    """An endpoint does, and the variables that say no keep it off."""
    assert is_wanted(variables) == expected


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
        {"OTEL_TRACES_EXPORTER": "zipkin"},
    ],
)
def test_what_cannot_be_done_is_one_sentence(variables: dict[str, str]) -> None:
    """It names the variable and what to do."""
    with pytest.raises(StartupError, match=next(iter(variables))):
        is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", **variables})


@pytest.mark.parametrize("size", ["0", "many", "-1"])
def test_a_queue_of_no_size_is_refused(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, in one sentence."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", size)
    with pytest.raises(StartupError, match="OTEL_BSP_MAX_QUEUE_SIZE"):
        configure_tracing("testing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9999"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-3"),
    ],
)
def test_what_the_sdk_cannot_read_is_one_sentence(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that cannot start says so without a traceback."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match="OpenTelemetry cannot use its variables"):
        configure_tracing("testing")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """This process keeps all traces that it begins, and those that its callers keep."""
    with traced(**ALL) as running:
        yield running


def called(flags: str = "01") -> RequestContext:
    """A request of a caller that traces."""
    return new_context({"traceparent": f"00-{TRACE}-{CALLER}-{flags}"})


def test_spans_lie_below_each_other_and_agree_with_the_context(collector: Collector) -> None:
    """Caller, door, spans within: the context's span id is the span's, for the next hop and for the log."""
    with Served(new_context({}), "door", {"http.request.method": "POST"}) as door:
        with span("inspect", recipe="spot") as outer:
            inspecting = current_context()
            with client_span("decide"):
                deciding = current_context()
            outer.set(score=0.5)
        past_span("decode", start_ns=1_000_000_000, seconds=0.25)
        assert current_context() == door.context
    spans = {each.name: each for each in collector.awaited(door.context.trace_id, lambda spans: len(spans) == 4)}
    assert {name: each.parent_id for name, each in spans.items()} == {
        "door": "",
        "inspect": door.context.span_id,
        "decide": inspecting.span_id,
        "decode": door.context.span_id,
    }
    assert [spans[name].span_id for name in ("inspect", "decide")] == [inspecting.span_id, deciding.span_id]
    assert spans["inspect"].attributes == {"flawgate.recipe": "spot", "flawgate.score": 0.5}
    assert (spans["decode"].start_ns, spans["decode"].end_ns) == (1_000_000_000, 1_250_000_000)
    assert deciding.traceparent == f"00-{door.context.trace_id}-{deciding.span_id}-01"
    assert {each.service for each in spans.values()} == {"flawgate-testing"}


def test_a_span_tells_why_it_failed_and_no_more(collector: Collector) -> None:
    """The reason, or the class of what nobody expected; never the words, which may be a caller's."""
    with Served(new_context({}), "door") as door:
        for error in (UnknownRecipe("secret"), ValueError("secret"), asyncio.CancelledError("secret")):
            with pytest.raises(type(error)), span(type(error).__name__):
                raise error
    spans = collector.awaited(door.context.trace_id, lambda spans: len(spans) == 4)
    assert {each.name: each.attributes for each in spans if each.failed} == {
        "UnknownRecipe": {"error.type": "UNKNOWN_RECIPE"},
        "ValueError": {"error.type": "ValueError"},
        "CancelledError": {"error.type": "REQUEST_CANCELLED"},
    }


def refused(*, told: bool) -> RequestContext:
    """The context of a request that an error ends."""
    door = Served(new_context({}), "door")
    with suppress(InvalidFrame), door:
        if told:
            door.answered({"http.response.status_code": 422}, name="POST /frames")
        raise InvalidFrame("secret")
    return door.context


def test_an_error_that_leaves_the_door_is_on_its_span(collector: Collector) -> None:
    """Unless the door has said itself how the request ended."""
    traces = [refused(told=told).trace_id for told in (False, True)]
    (first,), (second,) = (collector.awaited(trace_id, lambda spans: len(spans) == 1) for trace_id in traces)
    assert (first.failed, first.attributes) == (True, {"error.type": "INVALID_FRAME"})
    assert (second.failed, second.name) == (False, "POST /frames")
    assert second.attributes == {"http.response.status_code": 422}


def test_the_caller_decides_what_is_kept(collector: Collector) -> None:
    """Its trace goes on where it keeps it; where it does not, no span is begun and the trace id stays."""
    with Served(called("01"), "door") as kept, span("inspect"):
        assert exemplar() == {"trace_id": TRACE}
    with Served(called("00"), "door") as passed:
        assert span("inspect") is span("decide")
        assert exemplar() is None
    door, _ = collector.awaited(TRACE, lambda spans: len(spans) == 2)
    assert (kept.context.trace_id, door.span_id, door.parent_id) == (TRACE, kept.context.span_id, CALLER)
    assert (passed.context.trace_id, passed.context.trace_flags) == (TRACE, "00")


def test_what_has_no_span_of_its_own_passes_its_callers_on(collector: Collector) -> None:
    """Such as a stream: what lies within it is its caller's, and a part with a trace of its own is linked to that."""
    with Served(called(), "stream", traced=False) as stream:
        assert stream.context.span_id == CALLER
        with Served(new_context({}), "frame", link=current_context()) as frame:
            pass
    (seen,) = collector.awaited(frame.context.trace_id, lambda spans: len(spans) == 1)
    assert (seen.parent_id, seen.links) == ("", ((TRACE, CALLER),))


def test_outside_of_a_request_no_span_is_begun(collector: Collector) -> None:
    """What runs by itself every few seconds fills no collector."""
    assert collector.target != ""
    assert span("inspect") is span("decide")
    assert exemplar() is None


def test_new_traces_are_bounded_by_the_second() -> None:
    """Each one of a slow line is kept, a few of a fast one; those that callers keep are not counted."""
    now = [100.0]
    sampler = AtMostASecond(2.0, clock=lambda: now[0])

    def kept(requests: int, every_s: float) -> int:
        count = 0
        for _ in range(requests):
            count += sampler.should_sample(None, 1, "frame").decision is Decision.RECORD_AND_SAMPLE
            now[0] += every_s
        return count

    assert kept(20, 1.0) == 20
    assert kept(300, 1 / 30) in {20, 21, 22}
    assert kept(5, 0.0) <= 2
