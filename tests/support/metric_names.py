"""Every series that a line can expose, and its labels: Flawgate's from the classes that make them, and Triton's."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics import MetricWrapperBase

from flawgate_contracts import metrics
from flawgate_contracts.metrics.late import LateGauge

TARGET_LABELS = frozenset({"job", "instance", "site", "line"})
"""What Prometheus adds to the series of its targets, and to alerts."""

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_BY_MODEL = (
    "nv_inference_request_success",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",
    "nv_inference_pending_request_count",
)
_BY_GPU = (
    "nv_gpu_utilization",
    "nv_gpu_memory_total_bytes",
    "nv_gpu_memory_used_bytes",
    "nv_gpu_power_usage",
    "nv_gpu_power_limit",
)
_OF_MACHINE = ("nv_cpu_utilization", "nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes")
_OF_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
)

OTHERS: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    **dict.fromkeys(_OF_PROCESS + _OF_MACHINE, frozenset[str]()),
    **dict.fromkeys(_BY_MODEL, frozenset({"model", "version"})),
    "nv_inference_request_failure": frozenset({"model", "version", "reason"}),
    **dict.fromkeys(_BY_GPU, frozenset({"gpu_uuid"})),
}
"""Prometheus' own, its client library's and Triton's: series → labels."""


def exposed() -> dict[str, frozenset[str]]:
    """Every series → its labels, without those of its target."""
    return {**{name: labels for factory in _factories() for name, labels in _series(factory)}, **OTHERS}


def _factories() -> Iterator[Callable[..., object]]:
    """What fills a registry: classes and functions of `flawgate_contracts.metrics`."""
    for found in pkgutil.iter_modules(metrics.__path__, f"{metrics.__name__}."):
        module = import_module(found.name)
        for name, factory in vars(module).items():
            of_module = getattr(factory, "__module__", "") == module.__name__ and not name.startswith("_")
            if of_module and factory is not LateGauge and "registry" in inspect.signature(factory).parameters:
                yield factory


def _series(factory: Callable[..., object]) -> Iterator[tuple[str, frozenset[str]]]:
    registry = CollectorRegistry()
    values = {"registry": registry, "service": "gateway"}
    factory(**{name: values.get(name, ()) for name in inspect.signature(factory).parameters})
    for collector in registry._collector_to_names:
        for name, kind, labels in _families(collector):
            for suffix in _SUFFIXES[kind]:
                yield name + suffix, frozenset(labels) | ({"le"} if suffix == "_bucket" else set())


def _families(collector: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name, kind and labels of the families of a collector, whether they have series yet or not."""
    if isinstance(collector, MetricWrapperBase):
        yield collector._name, str(collector._type), tuple(collector._labelnames)
        return
    family: Metric
    for family in (*collector.collect(), *(collector.describe() if hasattr(collector, "describe") else ())):
        if family.type in _SUFFIXES:
            yield family.name, family.type, tuple(getattr(family, "_labelnames", ()))
