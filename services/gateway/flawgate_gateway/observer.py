"""The core's `Observer`, and the archive's, over Prometheus."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Histogram

from flawgate_contracts.fault import fault_of
from flawgate_contracts.metrics.drift import DriftMetrics
from flawgate_contracts.metrics.gateway import AdmissionMetrics, InspectionMetrics, StandingMetrics, StreamMetrics
from flawgate_contracts.metrics.keeping import OutboxMetrics, PictureMetrics
from flawgate_contracts.metrics.labels import OTHER, BoundedLabel
from flawgate_contracts.metrics.serving import StageMetrics
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.reference import FEATURES, Feature
from flawgate_gateway.admission.observer import REJECTIONS, Rejection
from flawgate_gateway.answer import DROP_CAUSES, DropCause, Inspection
from flawgate_gateway.archive.observer import Operation, Skipped
from flawgate_gateway.drift.watch import DriftWatch
from flawgate_gateway.ports import STAGES, ListedRecipe, Stage
from flawgate_gateway.reasons import FAILURES, REASONS, Verdict, judged, possible
from flawgate_gateway.stream.observer import OUTCOMES, Outcome
from flawgate_gateway.variant_observer import PrometheusVariantObserver

MAX_STATIONS = 64
"""Stations with series of their own, where nobody has named them."""
DELIVERY_RESULTS = ("delivered", "refused", "unreachable", "dead")
"""What may come of one try."""


Exemplar = Callable[[], dict[str, str] | None]
"""Says by which labels the trace is found in which something is counted; None where there is none to be found."""


class PrometheusObserver:
    """Counts inspections, and what waits to become one."""

    def __init__(
        self,
        registry: CollectorRegistry,
        drift: DriftWatch | None = None,
        stations: Collection[str] = (),
        exemplar: Exemplar = lambda: None,
        variants: PrometheusVariantObserver | None = None,
    ) -> None:
        """An observer.

        Args:
            registry: where it counts.
            drift: is told of each inspection; None: nobody watches for drift.
            stations: those that have series of their own; where none are named, the first that are seen.
            exemplar: of the inspection that is being answered.
            variants: counts what each variant judges; None: one that knows none but the one in force.
        """
        self._metrics = InspectionMetrics(registry)
        self._admission = AdmissionMetrics(registry, REJECTIONS)
        self._stages = StageMetrics(registry, STAGES)
        self._drift = drift
        self._exemplar = exemplar
        self._variants = variants or PrometheusVariantObserver(registry)
        self._stations = BoundedLabel(("", *stations), first=0 if stations else MAX_STATIONS)
        self._recipes = BoundedLabel()
        self._judged: dict[str, Sequence[Verdict]] = {}
        self._begun: set[tuple[str, str]] = set()
        # Looked up once, since prometheus_client looks for labels under a lock; both are bounded as the labels are.
        self._counted = cache(self._metrics.inspections.labels)
        self._measured = cache(self._series_of)
        for error in FAILURES:
            self._metrics.failures.labels(error.reason, fault_of(error.reason))

    def listed(self, recipes: Sequence[ListedRecipe]) -> None:
        """See `Observer`: all that may be counted of a new one is 0 from now on."""
        for recipe in (each.recipe for each in recipes if each.recipe is not None):
            if recipe.name not in self._judged:
                self._begin(recipe)
        if self._drift is not None:
            self._drift.listed(recipes)

    def queue_opened(self, recipe: str, waiting: Callable[[], int]) -> None:
        """See `AdmissionObserver`."""
        self._admission.waiting.labels(recipe).set_function(waiting)

    def waited(self, seconds: float) -> None:
        """See `AdmissionObserver`."""
        self._stages.observe("wait", seconds)

    def rejected(self, cause: Rejection) -> None:
        """See `AdmissionObserver`."""
        self._admission.rejected.labels(cause).inc()

    def started(self) -> None:
        """See `Observer`."""
        self._metrics.in_progress.inc()

    def stage(self, stage: Stage, seconds: float) -> None:
        """See `Observer`."""
        self._stages.observe(stage, seconds)

    def answered(self, inspection: Inspection, seconds: float) -> None:
        """See `Observer`."""
        recipe = self._recipes.bounded(inspection.recipe)
        reason = inspection.reason if inspection.reason in REASONS else OTHER
        self._count(recipe, self._stations.bounded(inspection.station or ""), inspection.evaluation, reason)
        self._variants.answered(recipe, inspection)
        duration, score = self._measured(recipe)
        duration.observe(seconds, self._exemplar())
        if inspection.score is not None:
            score.observe(inspection.score)
        if self._drift is not None:
            self._drift.seen(inspection)

    def replayed(self) -> None:
        """See `Observer`."""
        self._metrics.replays.inc()

    def failed(self, reason: str) -> None:
        """See `Observer`."""
        self._metrics.failures.labels(reason, fault_of(reason)).inc()

    def finished(self) -> None:
        """See `Observer`."""
        self._metrics.in_progress.dec()

    def _begin(self, recipe: Recipe) -> None:
        self._recipes.add(recipe.name)
        self._judged[recipe.name] = judged(recipe)
        for evaluation, reason in possible(recipe):
            self._counted(recipe.name, "", evaluation, reason)
        self._measured(recipe.name)
        self._admission.waiting.labels(recipe.name)
        self._variants.begin(recipe.name)

    def _count(self, recipe: str, station: str, evaluation: str, reason: str) -> None:
        """One more; a station's first part lets all that models may say there be counted from 0 on."""
        if (recipe, station) not in self._begun:
            self._begun.add((recipe, station))
            for verdict in self._judged.get(recipe, ()):
                self._counted(recipe, station, *verdict)
        self._counted(recipe, station, evaluation, reason).inc()

    def _series_of(self, recipe: str) -> tuple[Histogram, Histogram]:
        return self._metrics.duration.labels(recipe), self._metrics.score.labels(recipe)


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
        self._pictures.last_purge.set(time.time())


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


class PrometheusDriftBoard:
    """Shows drift."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = DriftMetrics(registry)

    def show(self, recipe: str, frames: int, psi: Mapping[Feature, float]) -> None:
        """See `DriftBoard`."""
        self._metrics.frames.labels(recipe).set(frames)
        for feature in FEATURES:
            if feature in psi:
                self._metrics.psi.labels(recipe, feature).set(psi[feature])
            else:
                self._metrics.psi.remove(recipe, feature)

    def forget(self, recipe: str) -> None:
        """See `DriftBoard`."""
        self._metrics.frames.remove(recipe)
        for feature in FEATURES:
            self._metrics.psi.remove(recipe, feature)


class PrometheusStanding:
    """Shows how the gateway stands."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = StandingMetrics(registry)
        self._shown: set[tuple[str, str]] = set()

    def dependencies(self, up: Mapping[str, bool]) -> None:
        """See `StandingObserver`."""
        for name, is_up in up.items():
            self._metrics.dependency_up.labels(name).set(is_up)

    def ready(self, *, is_so: bool) -> None:
        """See `StandingObserver`."""
        self._metrics.ready.set(is_so)

    def in_force(self, policies: Mapping[str, str]) -> None:
        """See `StandingObserver`."""
        for gone in self._shown - set(policies.items()):
            self._metrics.policy.remove(*gone)
        for recipe, policy in policies.items():
            self._metrics.policy.labels(recipe, policy).set(1)
        self._shown = set(policies.items())

    def reviews_wait(self, parts: int | None) -> None:
        """See `StandingObserver`."""
        if parts is None:
            self._metrics.review_queue.forget()
        else:
            self._metrics.review_queue.set(parts)
