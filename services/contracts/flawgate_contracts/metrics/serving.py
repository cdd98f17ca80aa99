"""What every service counts."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from flawgate_contracts.metrics.buckets import STAGE_BUCKETS
from flawgate_contracts.tracing import dropped_spans

FAILURES = ("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED")
"""Statuses of gRPC that alarms look at."""
COMMIT_VARIABLE = "FLAWGATE_COMMIT"
"""Of the environment: the commit that an image was built from; nothing where nobody says so."""


def describe_process(registry: CollectorRegistry, service: str) -> None:
    """Show what runs: the service's build, and the process with its memory, processor time, open files and start.

    Args:
        registry: of the service.
        service: name of the service, without the `flawgate-` of its package.
    """
    build = Gauge(
        "flawgate_build_info",
        "1, by service: the version that runs, and the commit where it is known.",
        ["service", "version", "commit"],
        registry=registry,
    )
    build.labels(service, version(f"flawgate-{service}"), os.environ.get(COMMIT_VARIABLE, "")).set(1)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_DroppedSpans())


class _DroppedSpans(Collector):
    """Spans are lost in a thread of OpenTelemetry's, which counts them itself."""

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        yield CounterMetricFamily(
            "flawgate_spans_dropped_total",
            "Spans that were to be kept and reached no collector; 0 without tracing.",
            value=dropped_spans(),
        )


class RpcMetrics:
    """What every gRPC server counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "flawgate_rpc_requests_total",
            "gRPC calls served, by full method name and status code.",
            ["method", "code"],
            registry=registry,
        )
        self._duration = Histogram(
            "flawgate_rpc_duration_seconds",
            "Time from the arrival of a gRPC call to its answer.",
            ["method"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        # Series are looked up once: each look takes a lock and several dictionaries.
        self._counted = cache(self._requests.labels)
        self._timed = cache(self._duration_of)

    def ended(self, method: str, code: str, seconds: float) -> None:
        """A call of a method of this server ended with a status, so many seconds after it came."""
        self._timed(method).observe(seconds)
        self._counted(method, code).inc()

    def _duration_of(self, method: str) -> Histogram:
        """Of a method's first call; its failures are counted from 0 on."""
        for code in FAILURES:
            self._counted(method, code)
        return self._duration.labels(method)


class CertificateMetrics(Collector):
    """When the certificates of a service end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._known: list[Callable[[], Mapping[str, float]]] = []
        registry.register(self)

    def add(self, ends: Callable[[], Mapping[str, float]]) -> None:
        """Show what this gives each time: file → Unix time, in seconds."""
        self._known.append(ends)

    def describe(self) -> Iterable[Metric]:
        """Its name, by which a registry finds two of the same."""
        yield self._family()

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        family = self._family()
        for ends in self._known:
            for file, end in ends().items():
                family.add_metric([file], end)
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "flawgate_certificate_expiry_timestamp_seconds",
            "When the first certificate of a TLS file in force ends, by the setting that names the file.",
            labels=["file"],
        )


class StageMetrics:
    """Where the time of an inspection goes."""

    def __init__(self, registry: CollectorRegistry, stages: tuple[str, ...]) -> None:
        duration = Histogram(
            "flawgate_stage_duration_seconds",
            "Time that one stage of an inspection took.",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self._of = {stage: duration.labels(stage) for stage in stages}

    def observe(self, stage: str, seconds: float) -> None:
        """One passage of one of the stages, in seconds."""
        self._of[stage].observe(seconds)
