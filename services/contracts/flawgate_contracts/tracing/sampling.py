"""Which new traces are kept where `OTEL_TRACES_SAMPLER` does not say."""

import threading
import time
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

TRACES_A_SECOND = 2.0
"""New traces that a process keeps, on average and at once: each one of a slow line, a few of a fast one, so that what
tracing costs does not grow with the cameras."""


class AtMostASecond(Sampler):
    """Keeps a bounded number of traces a second, as they come (a token bucket)."""

    def __init__(self, traces: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A sampler.

        Args:
            traces: a second, on average; as many may come at once. 1 or more.
            clock: in seconds.
        """
        self._traces = traces
        self._clock = clock
        self._left = traces
        self._counted_at = clock()
        self._lock = threading.Lock()

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Whether a trace that begins is kept (OpenTelemetry)."""
        del parent_context, trace_id, name, kind, links  # whatever begins, counts
        return SamplingResult(Decision.RECORD_AND_SAMPLE if self._takes() else Decision.DROP, attributes, trace_state)

    def get_description(self) -> str:
        """What it does, for people (OpenTelemetry)."""
        return f"AtMostASecond{{{self._traces:g}}}"

    def _takes(self) -> bool:
        with self._lock:
            now = self._clock()
            self._left = min(self._traces, self._left + (now - self._counted_at) * self._traces)
            self._counted_at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
