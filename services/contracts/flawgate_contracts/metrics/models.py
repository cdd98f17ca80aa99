"""What the decision service counts of its calls to the model server, be that Triton or ONNX Runtime in its process."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Histogram

from flawgate_contracts.errors import (
    DeadlineExceeded,
    ModelFailure,
    ModelServerUnavailable,
    RecipeUnavailable,
    RequestCancelled,
)
from flawgate_contracts.metrics.buckets import STAGE_BUCKETS

OK = "OK"
CANCELLED = RequestCancelled.reason
CODES = (
    OK,
    CANCELLED,
    DeadlineExceeded.reason,
    ModelFailure.reason,
    ModelServerUnavailable.reason,
    RecipeUnavailable.reason,
)
"""How a call ends: answered, given up by its caller, or with an error of that reason."""


class ModelServerMetrics:
    """Calls by model, or ensemble, and version: of those in use, and none of yesterday."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "flawgate_triton_requests_total",
            "Calls to the model server, by model, version and code: OK, or the reason of the error.",
            ["model", "version", "code"],
            registry=registry,
        )
        self._duration = Histogram(
            "flawgate_triton_request_duration_seconds",
            "Time from a call to the model server to its answer.",
            ["model"],
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self._known: dict[tuple[str, str], set[str]] = {}

    def observe(self, model: str, version: str, code: str, seconds: float) -> None:
        """One call, of so many seconds."""
        self._add(model, version)
        self._known[model, version].add(code)
        self._requests.labels(model, version, code).inc()
        self._duration.labels(model).observe(seconds)

    def keep(self, versions: Collection[tuple[str, str]]) -> None:
        """Show these models and versions, from 0 on, and no others any more."""
        for model, version in versions:
            self._add(model, version)
        for model, version in self._known.keys() - set(versions):
            for code in self._known.pop((model, version)):
                self._requests.remove(model, version, code)
            if all(model != other for other, _ in self._known):
                self._duration.remove(model)

    def _add(self, model: str, version: str) -> None:
        if (model, version) not in self._known:
            self._known[model, version] = set(CODES)
            self._duration.labels(model)
            for code in CODES:
                self._requests.labels(model, version, code)
