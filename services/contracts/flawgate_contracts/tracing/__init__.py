"""Traces: OpenTelemetry, switched on by its standard `OTEL_...` variables; without them nothing of it is loaded."""

from flawgate_contracts.tracing.configuring import configure_tracing, dropped_spans, shut_down
from flawgate_contracts.tracing.doors import Served
from flawgate_contracts.tracing.spans import Span, client_span, exemplar, past_span, span

__all__ = [
    "Served",
    "Span",
    "client_span",
    "configure_tracing",
    "dropped_spans",
    "exemplar",
    "past_span",
    "shut_down",
    "span",
]
