"""The core's `Observer` over Prometheus."""

from prometheus_client import CollectorRegistry

from flawgate_contracts.metrics import InspectionMetrics, StageMetrics
from flawgate_gateway.ports import Decided

STAGES = ("preprocess", "decide")
"""The gateway's own stages, hops included; what happens within them is measured where it happens."""


class PrometheusObserver:
    """Counts inspections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._inspections = InspectionMetrics(registry)
        self._stages = StageMetrics(registry, STAGES)

    def started(self) -> None:
        """See `Observer`."""
        self._inspections.in_progress.inc()

    def answered(self, recipe: str, decided: Decided, seconds: float, stage_seconds: dict[str, float]) -> None:
        """See `Observer`."""
        self._inspections.inspections.labels(recipe, decided.evaluation, decided.reason).inc()
        self._inspections.duration.labels(recipe).observe(seconds)
        self._inspections.score.labels(recipe).observe(decided.score)
        for stage in STAGES:
            self._stages.observe(stage, stage_seconds[stage])

    def failed(self, reason: str) -> None:
        """See `Observer`."""
        self._inspections.failures.labels(reason).inc()

    def finished(self) -> None:
        """See `Observer`."""
        self._inspections.in_progress.dec()
