import pytest

from flawgate_cli.local_cluster.traces import triton_trace_url


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, "http://collector:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://[::1]:4317/"}, "https://[::1]:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:9999"}, None),
        ({"FLAWGATE_TRITON_OTLP_URL": "http://other:1/x"}, None),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:9999", "FLAWGATE_TRITON_OTLP_URL": "http://other:1/x"},
            "http://other:1/x",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_triton_sends_its_spans_to_the_same_collector(variables: dict[str, str], expected: str | None) -> None:
    """Over HTTP, to the port that is usual for it, unless told where; nowhere while nothing is traced."""
    assert triton_trace_url(variables) == expected
