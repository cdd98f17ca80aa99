"""Whether this process traces, as OpenTelemetry's standard variables say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flawgate_contracts.startup import StartupError
from flawgate_contracts.tracing.spans import use_tracer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flawgate_contracts.tracing.exporting import Telemetry

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTER = "OTEL_TRACES_EXPORTER"
DISABLED = "OTEL_SDK_DISABLED"


class _Process:
    """What is so for the whole process."""

    telemetry: Telemetry | None = None


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether spans are to be kept: a collector is named, and nothing says no.

    Raises:
        StartupError: they are to be sent in a way that Flawgate does not know.
    """
    if environment.get(DISABLED, "").lower() == "true" or environment.get(EXPORTER) == "none":
        return False
    if not endpoint(environment):
        return False
    _check(EXPORTER, environment.get(EXPORTER, ""), "otlp")
    protocol = next((name for name in PROTOCOLS if environment.get(name)), PROTOCOLS[1])
    _check(protocol, environment.get(protocol, ""), "grpc")
    return True


def endpoint(environment: Mapping[str, str]) -> str:
    """The collector's address; empty where none is named."""
    return next((environment[name] for name in ENDPOINTS if environment.get(name)), "")


def configure_tracing(service: str) -> None:
    """Send the spans of this process to the collector that the variables name; do nothing where they name none.

    Args:
        service: its name, `flawgate-<service>` unless `OTEL_SERVICE_NAME` says otherwise.

    Raises:
        StartupError: a variable holds what cannot be done.
    """
    if _Process.telemetry is not None or not is_wanted(os.environ):
        return
    # Only here: nothing of OpenTelemetry is loaded by a process that does not trace.
    from flawgate_contracts.tracing.exporting import Telemetry  # noqa: PLC0415

    _Process.telemetry = Telemetry.of_environment(service)
    use_tracer(_Process.telemetry.tracer)


def dropped_spans() -> int:
    """Spans of this process that were to be kept and reached no collector."""
    return 0 if _Process.telemetry is None else _Process.telemetry.dropped


def shut_down() -> None:
    """Begin no more spans, and give those that have ended two seconds to reach the collector."""
    telemetry, _Process.telemetry = _Process.telemetry, None
    use_tracer(None)
    if telemetry is not None:
        telemetry.shut_down()


def _check(name: str, value: str, known: str) -> None:
    if value not in {"", known}:
        raise StartupError(f"{name} is {value!r}, but spans are sent as {known} alone; unset it, or set it to {known}.")
