"""OpenTelemetry's SDK behind `Tracer`: spans go to a collector over OTLP/gRPC. Loaded only by a process that traces."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.exporter import InvalidCompressionValueException
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import Tracer as OtelTracer

from flawgate_contracts.context import RequestContext
from flawgate_contracts.startup import StartupError
from flawgate_contracts.tracing.delivering import CountedExporter, CountedProcessor, Tally
from flawgate_contracts.tracing.sampling import TRACES_A_SECOND, AtMostASecond
from flawgate_contracts.tracing.spans import Kind, Value

SHUT_DOWN_S = 2.0
"""For the last spans to reach the collector, in seconds."""
QUIET_S = 60.0
"""Between two lines of the exporter that say the same, in seconds."""
CHATTY = ("opentelemetry.exporter.otlp.proto.grpc.exporter", "opentelemetry.sdk._shared_internal")
"""Loggers that say each batch, or each span, that is lost."""

_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
    "server": SpanKind.SERVER,
}
_FAILED = Status(StatusCode.ERROR)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a process that traces holds."""

    provider: TracerProvider
    tracer: "OtlpTracer"
    tally: Tally

    @classmethod
    def of_environment(cls, service: str) -> Self:
        """As the standard variables say.

        Raises:
            StartupError: one of them cannot be read.
        """
        for name in CHATTY:
            logging.getLogger(name).addFilter(_Seldom())
        tally = Tally.of_environment()
        try:
            provider = _provider(service, tally)
        except (ValueError, InvalidCompressionValueException) as err:
            raise StartupError(f"OpenTelemetry cannot use its variables OTEL_...: {err}") from err
        return cls(provider, OtlpTracer(provider.get_tracer("flawgate")), tally)

    @property
    def dropped(self) -> int:
        """Spans that reached no collector."""
        return self.tally.dropped

    def shut_down(self) -> None:
        """Send what has ended, for two seconds at most."""
        # The SDK would wait for half a minute for a collector that is away; the thread ends with the process.
        ending = threading.Thread(target=self.provider.shutdown, name="spans-ending", daemon=True)
        ending.start()
        ending.join(SHUT_DOWN_S)


class OtlpTracer:
    """`Tracer` over one of the SDK."""

    def __init__(self, tracer: OtelTracer) -> None:
        self._tracer = tracer

    def begin(
        self,
        context: RequestContext,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        *,
        parent_id: str | None,
        link: RequestContext | None = None,
        start_ns: int | None = None,
    ) -> "OtlpSpan":
        """See `Tracer`."""
        return OtlpSpan(
            self._tracer.start_span(
                name,
                _below(context, parent_id),
                _KINDS[kind],
                attributes,
                links=_links(link),
                start_time=start_ns,
                record_exception=False,
                set_status_on_exception=False,
            )
        )


class OtlpSpan:
    """`BegunSpan` over one of the SDK."""

    __slots__ = ("_span", "sampled", "span_id", "trace_id")

    def __init__(self, span: OtelSpan) -> None:
        told = span.get_span_context()
        self._span = span
        self.trace_id = format_trace_id(told.trace_id)
        self.span_id = format_span_id(told.span_id)
        self.sampled = told.trace_flags.sampled

    def rename(self, name: str) -> None:
        """See `BegunSpan`."""
        self._span.update_name(name)

    def set(self, attributes: Mapping[str, Value]) -> None:
        """See `BegunSpan`."""
        self._span.set_attributes(attributes)

    def fail(self) -> None:
        """See `BegunSpan`."""
        self._span.set_status(_FAILED)

    def end(self, end_ns: int | None = None) -> None:
        """See `BegunSpan`."""
        self._span.end(end_ns)


class _Seldom(logging.Filter):
    """Lets a line of a library through once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._said.get(record.msg, float("-inf")) + QUIET_S:
            return False
        self._said[record.msg] = now
        return True


def _provider(service: str, tally: Tally) -> TracerProvider:
    """Of the SDK, which reads its variables itself, and raises ValueError where it cannot."""
    sampler = None if os.environ.get(OTEL_TRACES_SAMPLER) else ParentBased(AtMostASecond(TRACES_A_SECOND))
    provider = TracerProvider(sampler, _resource(service), shutdown_on_exit=False)
    provider.add_span_processor(CountedProcessor(CountedExporter(OTLPSpanExporter(), tally), tally))
    return provider


def _below(context: RequestContext, parent_id: str | None) -> Context:
    """What the SDK takes a span's parent from; without one, it begins a trace."""
    if parent_id is None:
        return Context()
    return set_span_in_context(NonRecordingSpan(_span_context(context, parent_id)), Context())


def _span_context(context: RequestContext, span_id: str) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)


def _links(link: RequestContext | None) -> list[Link]:
    """To the caller's span of another request, where the caller has one."""
    if link is None or link.parent_id is None:
        return []
    return [Link(_span_context(link, link.parent_id))]


def _resource(service: str) -> Resource:
    ours = {
        "service.name": f"flawgate-{service}",
        "service.namespace": "flawgate",
        "service.version": version("flawgate-contracts"),
    }
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})
