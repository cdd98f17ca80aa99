"""Gauges of what nobody knows yet when a service starts."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class LateGauge(Collector):
    """A gauge that is absent until its first value: 0 would be said of what was not looked at, as after a restart."""

    def __init__(self, name: str, documentation: str, registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._value: float | None = None
        registry.register(self)

    def set(self, value: float) -> None:
        """Show this value from now on."""
        self._value = value

    def forget(self) -> None:
        """Show none any more, until the next one is set."""
        self._value = None

    def describe(self) -> Iterator[Metric]:
        """Its name, by which a registry finds two of the same."""
        yield GaugeMetricFamily(self._name, self._documentation)

    def collect(self) -> Iterator[Metric]:
        """The value, where there is one."""
        if (value := self._value) is not None:
            yield GaugeMetricFamily(self._name, self._documentation, value=value)
