"""Counts what the variants of decision judge, over Prometheus."""

from functools import cache

from prometheus_client import CollectorRegistry

from flawgate_contracts.metrics.gateway import VariantMetrics
from flawgate_contracts.metrics.labels import OTHER
from flawgate_gateway.answer import Inspection
from flawgate_gateway.variants.observer import FALLBACKS, RESULTS, Comparison

EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE")


class PrometheusVariantObserver:
    """A `VariantObserver`; of each recipe, all that may be counted is 0 from the start."""

    def __init__(self, registry: CollectorRegistry, *, canary: bool = False, shadow: bool = False) -> None:
        """An observer.

        Args:
            registry: where it counts.
            canary: whether there is one.
            shadow: whether there is one.
        """
        self._metrics = VariantMetrics(registry)
        self._canary = canary
        self._shadow = shadow
        self._variants = ("stable", *(["canary"] if canary else []), *(["shadow"] if shadow else []))
        # Looked up once, since prometheus_client looks for labels under a lock; bounded as the labels are.
        self._counted = cache(self._metrics.inspections.labels)

    def begin(self, recipe: str) -> None:
        """Frames may be judged by a recipe from now on."""
        for variant in self._variants:
            for evaluation in EVALUATIONS:
                self._counted(recipe, variant, evaluation)
        if self._canary:
            for reason in FALLBACKS:
                self._metrics.fallbacks.labels(recipe, reason)
        if self._shadow:
            for result in RESULTS:
                self._metrics.comparisons.labels(recipe, result)
            self._metrics.difference.labels(recipe)

    def answered(self, recipe: str, inspection: Inspection) -> None:
        """An inspection was answered; `recipe` is its own where that is known, so that series are bounded."""
        self._counted(recipe, inspection.variant, inspection.evaluation).inc()

    def fell_back(self, recipe: str, reason: str) -> None:
        """See `VariantObserver`."""
        self._metrics.fallbacks.labels(recipe, reason if reason in FALLBACKS else OTHER).inc()

    def compared(self, recipe: str, comparison: Comparison) -> None:
        """See `VariantObserver`."""
        self._metrics.comparisons.labels(recipe, comparison.result).inc()
        if comparison.evaluation is not None:
            self._counted(recipe, "shadow", comparison.evaluation).inc()
        if comparison.score_difference is not None:
            self._metrics.difference.labels(recipe).observe(comparison.score_difference)
