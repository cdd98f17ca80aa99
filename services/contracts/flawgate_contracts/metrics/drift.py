"""How far the frames of late are from those that a recipe was exported with."""

from prometheus_client import CollectorRegistry, Gauge


class DriftMetrics:
    """What the gateway shows of drift; absent where a recipe has no reference, or too few frames."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.psi = Gauge(
            "flawgate_drift_psi",
            "Population stability index of the last 500 frames against the recipe's reference, by recipe and feature: "
            "below 0.1 nothing has changed, above 0.25 something has. Absent below 200 frames.",
            ["recipe", "feature"],
            registry=registry,
        )
        self.frames = Gauge(
            "flawgate_drift_frames", "Frames that this is computed of, by recipe.", ["recipe"], registry=registry
        )
