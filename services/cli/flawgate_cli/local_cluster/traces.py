"""Where Triton of a local cluster sends its spans; the services follow OpenTelemetry's variables by themselves."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from flawgate_contracts.tracing.configuring import endpoint, is_wanted

TRITON_VARIABLE = "FLAWGATE_TRITON_OTLP_URL"
GRPC_PORT, HTTP_PORT = 4317, 4318
"""Ports on which a collector takes OTLP, unless it is told otherwise."""


def triton_trace_url(environment: Mapping[str, str]) -> str | None:
    """Triton speaks OTLP over HTTP alone, to another port of the same collector.

    Args:
        environment: `FLAWGATE_TRITON_OTLP_URL` names the address; without it, it follows from that of OTLP over gRPC,
            where that has the usual port.

    Returns:
        The address; None where nothing is traced, or nobody knows where Triton's spans should go.

    Raises:
        StartupError: spans are to be sent in a way that Flawgate does not know.
    """
    if not is_wanted(environment):
        return None
    if environment.get(TRITON_VARIABLE):
        return environment[TRITON_VARIABLE]
    parts = urlsplit(endpoint(environment))
    if parts.port != GRPC_PORT or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{HTTP_PORT}/v1/traces"
