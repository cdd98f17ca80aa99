from importlib.metadata import version

import httpx
import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from flawgate_contracts.metrics.labels import BoundedLabel
from flawgate_contracts.metrics.late import LateGauge
from flawgate_contracts.metrics.serving import RpcMetrics, describe_process
from flawgate_contracts.serving import metrics_server

OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
"""As Prometheus asks."""


def test_a_label_takes_the_first_values_and_no_more() -> None:
    """First come, first served; a value that has its place keeps it."""
    label = BoundedLabel(first=2)
    assert [label.bounded(value) for value in ("a", "b", "c", "a", "d", "b")] == ["a", "b", "other", "a", "other", "b"]


def test_a_label_with_known_values_takes_no_others() -> None:
    """However many come before them."""
    label = BoundedLabel(["a"])
    label.add("b")
    assert [label.bounded(value) for value in ("x", "b", "a", "y")] == ["other", "b", "a", "other"]


def test_a_late_gauge_is_absent_until_it_is_known() -> None:
    """Not 0, which would be a statement; and absent again where it is forgotten."""
    registry = CollectorRegistry()
    gauge = LateGauge("depth", "Depth.", registry)
    assert registry.get_sample_value("depth") is None
    gauge.set(0)
    assert registry.get_sample_value("depth") == 0
    gauge.forget()
    assert generate_latest(registry) == b""


def test_a_late_gauge_has_its_name_for_itself() -> None:
    """A registry finds a second one of the same name, also before the first has a value."""
    registry = CollectorRegistry()
    LateGauge("depth", "Depth.", registry)
    with pytest.raises(ValueError, match="Duplicated"):
        LateGauge("depth", "Depth.", registry)


def test_a_service_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version and the commit of its image; memory, processor time and start come from the process."""
    monkeypatch.setenv("FLAWGATE_COMMIT", "abc123")
    registry = CollectorRegistry()
    describe_process(registry, "gateway")
    labels = {"service": "gateway", "version": version("flawgate-gateway"), "commit": "abc123"}
    assert registry.get_sample_value("flawgate_build_info", labels) == 1
    for name in ("process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"):
        assert (registry.get_sample_value(name) or 0) > 0


def test_failures_of_calls_are_counted_from_0_on() -> None:
    """`increase()` does not see the first of a series that is born with 1."""
    registry = CollectorRegistry()
    RpcMetrics(registry).ended("/a.B/C", "OK", 0.1)
    counted = {
        code: registry.get_sample_value("flawgate_rpc_requests_total", {"method": "/a.B/C", "code": code})
        for code in ("OK", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED")
    }
    assert counted == {"OK": 1, "INTERNAL": 0, "UNAVAILABLE": 0, "DEADLINE_EXCEEDED": 0}


def test_prometheus_gets_the_exemplars() -> None:
    """The port answers OpenMetrics where that is asked for, and plain text, which knows no exemplars, where not."""
    registry = CollectorRegistry()
    Histogram("seconds", "Seconds.", buckets=(1,), registry=registry).observe(0.5, {"trace_id": "f" * 32})
    with metrics_server("127.0.0.1", 0, registry, "contracts") as port:
        url = f"http://127.0.0.1:{port}/metrics"
        asked, plain = httpx.get(url, headers=OPENMETRICS, trust_env=False), httpx.get(url, trust_env=False)
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
    assert plain.headers["content-type"].startswith("text/plain")
    parsed = text_string_to_metric_families(asked.text)  # type: ignore[no-untyped-call]  # of the library
    families = {family.name: family for family in parsed}
    exemplars = [sample.exemplar for sample in families["seconds"].samples if sample.exemplar]
    assert [(exemplar.labels, exemplar.value) for exemplar in exemplars] == [({"trace_id": "f" * 32}, 0.5)]
    assert "f" * 32 not in plain.text


def test_no_series_says_when_another_began() -> None:
    """It would be a series more for each; `process_start_time_seconds` says it for all."""
    registry = CollectorRegistry()
    Histogram("seconds", "Seconds.", registry=registry).observe(0.5)
    with metrics_server("127.0.0.1", 0, registry, "contracts") as port:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert "_created" not in text
