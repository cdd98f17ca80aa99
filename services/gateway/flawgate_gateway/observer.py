"""The core's `Observer`, and the archive's, over Prometheus."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from flawgate_contracts.metrics import InspectionMetrics, OutboxMetrics, PictureMetrics, StageMetrics, StreamMetrics
from flawgate_gateway.answer import DROP_CAUSES, DropCause, Inspection
from flawgate_gateway.archive.observer import Operation, Skipped
from flawgate_gateway.stream.observer import OUTCOMES, Outcome

STAGES = ("preprocess", "decide")
"""The gateway's own stages, hops included; what happens within them is measured where it happens."""

DELIVERY_RESULTS = ("delivered", "refused", "unreachable", "dead")
"""What may come of one try."""


class PrometheusObserver:
    """Counts inspections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._inspections = InspectionMetrics(registry)
        self._stages = StageMetrics(registry, STAGES)

    def started(self) -> None:
        """See `Observer`."""
        self._inspections.in_progress.inc()

    def answered(self, inspection: Inspection, seconds: float) -> None:
        """See `Observer`."""
        recipe = inspection.recipe
        self._inspections.inspections.labels(recipe, inspection.evaluation, inspection.reason).inc()
        self._inspections.duration.labels(recipe).observe(seconds)
        if inspection.score is not None:
            self._inspections.score.labels(recipe).observe(inspection.score)
        for stage in STAGES:
            if stage in inspection.stage_seconds:
                self._stages.observe(stage, inspection.stage_seconds[stage])

    def replayed(self) -> None:
        """See `Observer`."""
        self._inspections.replays.inc()

    def failed(self, reason: str) -> None:
        """See `Observer`."""
        self._inspections.failures.labels(reason).inc()

    def finished(self) -> None:
        """See `Observer`."""
        self._inspections.in_progress.dec()


class PrometheusPictureObserver:
    """Counts pictures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pictures = PictureMetrics(registry)

    def kept(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""
        self._pictures.kept.labels(evaluation).inc()
        self._pictures.kept_bytes.inc(stored_bytes)

    def skipped(self, cause: Skipped) -> None:
        """See `PictureObserver`."""
        self._pictures.skipped.labels(cause).inc()

    def purged(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""
        self._pictures.purged.labels(evaluation).inc()
        self._pictures.purged_bytes.inc(stored_bytes)

    def failed(self, operation: Operation) -> None:
        """See `PictureObserver`."""
        self._pictures.failures.labels(operation).inc()

    def level(self, held_bytes: int, max_bytes: int) -> None:
        """See `PictureObserver`."""
        self._pictures.held_bytes.set(held_bytes)
        self._pictures.max_bytes.set(max_bytes)

    def purge_ended(self) -> None:
        """See `PictureObserver`."""
        self._pictures.last_purge.set_to_current_time()


class PrometheusStreamObserver:
    """Counts streams."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = StreamMetrics(registry, OUTCOMES, DROP_CAUSES)

    def opened(self) -> None:
        """See `StreamObserver`."""
        self._metrics.open.inc()

    def closed(self) -> None:
        """See `StreamObserver`."""
        self._metrics.open.dec()

    def settled(self, outcome: Outcome) -> None:
        """See `StreamObserver`."""
        self._metrics.frames.labels(outcome).inc()

    def dropped(self, cause: DropCause, frames: int) -> None:
        """See `StreamObserver`."""
        self._metrics.gaps.labels(cause).inc()
        self._metrics.gap_frames.labels(cause).inc(frames)


class PrometheusDeliveryObserver:
    """Counts what becomes of events."""

    def __init__(self, registry: CollectorRegistry, sinks: Sequence[str]) -> None:
        self._metrics = OutboxMetrics(registry)
        for sink in sinks:
            for result in DELIVERY_RESULTS:
                self._metrics.deliveries.labels(sink, result)

    def tried(self, sink: str, result: str) -> None:
        """See `DeliveryObserver`."""
        self._metrics.deliveries.labels(sink, result).inc()

    def backlog(self, sink: str, pending: int, oldest_age_s: float) -> None:
        """See `DeliveryObserver`."""
        self._metrics.pending.labels(sink).set(pending)
        self._metrics.oldest_age.labels(sink).set(oldest_age_s)
