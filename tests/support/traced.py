"""A process that traces, and its collector."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flawgate_contracts.tracing import configure_tracing, shut_down
from support.collector import Collector, collecting

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
"""Milliseconds between two messages to the collector."""


@contextmanager
def traced(**variables: str) -> Iterator[Collector]:
    """Spans of this process go to a collector until the end of the block; `variables` are of its environment."""
    with collecting() as collector, pytest.MonkeyPatch.context() as environment:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.target}", **SOON, **variables}
        for name, value in told.items():
            environment.setenv(name, value)
        configure_tracing("testing")
        try:
            yield collector
        finally:
            shut_down()
