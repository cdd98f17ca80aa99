import time
from collections.abc import Callable, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from support.collector import Collector
from support.traced import traced

from flawgate_contracts.context import new_context
from flawgate_contracts.tracing import Served, dropped_spans, shut_down
from flawgate_contracts.tracing.delivering import CountedExporter, Tally

ALL = {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}
SMALL = {"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"
SPANS = 3000
LONGEST_S = 2.0
"""For all of them: 30 times what they take when nothing is wrong, on a machine that does other things too."""


def end_spans(count: int = SPANS) -> float:
    """End so many spans; gives the seconds that it took."""
    started = time.monotonic()
    for _ in range(count):
        with Served(new_context({}), "request"):
            pass
    return time.monotonic() - started


def until(is_so: Callable[[], bool], within_s: float = 15.0) -> None:
    """Wait for it."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refuse(collector: Collector) -> None:
    """It takes no spans."""
    collector.refuses = True


def dawdle(collector: Collector) -> None:
    """It takes longer over each message than anybody waits."""
    collector.delay_s = 3.0


@pytest.mark.parametrize("fault", [refuse, dawdle])
def test_a_bad_collector_slows_nothing_and_what_it_loses_is_counted(fault: Callable[[Collector], None]) -> None:
    """Spans end as fast as ever, the queue is bounded, and the end of the process waits two seconds at most."""
    with traced(**ALL, **SMALL) as collector:
        fault(collector)
        assert end_spans() < LONGEST_S
        until(lambda: dropped_spans() >= SPANS - 200)
        stopping = time.monotonic()
        shut_down()
        assert time.monotonic() - stopping < 3.0
        collector.delay_s = 0.0


def test_a_collector_that_is_away_slows_nothing_and_what_it_loses_is_counted() -> None:
    """Nobody listens where the variable points to."""
    with traced(**ALL, **SMALL, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1"):
        assert end_spans() < LONGEST_S
        until(lambda: dropped_spans() == SPANS)
        stopping = time.monotonic()
        shut_down()
        assert time.monotonic() - stopping < 3.0


def test_a_collector_that_comes_back_gets_spans_again() -> None:
    """What was lost meanwhile stays counted."""
    with traced(**ALL, **SMALL) as collector:
        collector.refuses = True
        end_spans(10)
        until(lambda: dropped_spans() == 10)
        collector.refuses = False
        end_spans(10)
        until(lambda: len(collector.spans) == 10)
        assert dropped_spans() == 10


def test_the_default_keeps_a_few_new_traces_and_all_of_callers_that_keep_theirs() -> None:
    """What tracing costs does not grow with the cameras."""
    with traced() as collector:
        for _ in range(50):
            with Served(new_context({}), "frame"):
                pass
        for _ in range(5):
            with Served(new_context({"traceparent": CALLER}), "asked for"):
                pass
        spans = collector.awaited(TRACE, lambda spans: len(spans) == 5)
    assert len(spans) == 5
    assert 1 <= sum(each.name == "frame" for each in collector.spans) <= 4


class Broken(SpanExporter):
    """Raises whatever it is given."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")


def test_what_an_exporter_cannot_encode_is_lost_and_counted() -> None:
    """The SDK logs it and forgets the whole batch."""
    tally = Tally(10)
    for _ in range(3):
        tally.ended()
    with pytest.raises(UnicodeEncodeError):
        CountedExporter(Broken(), tally).export([ReadableSpan("a"), ReadableSpan("b")])
    assert tally.dropped == 2
