"""What the gateway counts of what it keeps, and of what it passes on."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from flawgate_contracts.metrics.late import LateGauge


class PictureMetrics:
    """What the gateway counts of its archive of pictures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.kept = Counter(
            "flawgate_pictures_kept_total",
            "Inspections whose pictures were kept, by evaluation.",
            ["evaluation"],
            registry=registry,
        )
        self.kept_bytes = Counter(
            "flawgate_pictures_kept_bytes_total", "Bytes of the pictures that were kept, as stored.", registry=registry
        )
        self.skipped = Counter(
            "flawgate_pictures_skipped_total",
            "Good parts whose pictures were not kept: by sampling, or since the archive is full.",
            ["cause"],
            registry=registry,
        )
        self.purged = Counter(
            "flawgate_pictures_purged_total",
            "Inspections whose pictures were deleted, by evaluation.",
            ["evaluation"],
            registry=registry,
        )
        self.purged_bytes = Counter(
            "flawgate_pictures_purged_bytes_total", "Bytes of the pictures that were deleted.", registry=registry
        )
        self.failures = Counter(
            "flawgate_pictures_failures_total",
            "Times that the archive of pictures could not be used, by what for.",
            ["operation"],
            registry=registry,
        )
        self.held_bytes = LateGauge(
            "flawgate_pictures_held_bytes", "Bytes of all pictures on record, as last counted.", registry
        )
        self.max_bytes = LateGauge(
            "flawgate_pictures_max_bytes", "From so many bytes on no pictures of good parts are kept.", registry
        )
        self.last_purge = LateGauge(
            "flawgate_pictures_last_purge_timestamp_seconds",
            "When this gateway last came to the end of a purge.",
            registry,
        )
        for evaluation in ("OK", "NOT_OK", "NOT_DECIDABLE"):
            self.kept.labels(evaluation)
            self.purged.labels(evaluation)
        for cause in ("sampling", "full"):
            self.skipped.labels(cause)
        for operation in ("put", "get", "purge"):
            self.failures.labels(operation)


class OutboxMetrics:
    """What the gateway counts of the delivery of events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = Gauge("flawgate_outbox_pending", "Events that wait for a sink.", ["sink"], registry=registry)
        self.oldest_age = Gauge(
            "flawgate_outbox_oldest_age_seconds",
            "Time for which the oldest of the events that wait for a sink has waited; 0 where none waits.",
            ["sink"],
            registry=registry,
        )
        self.deliveries = Counter(
            "flawgate_sink_deliveries_total",
            "Tries to deliver an event, by sink and result: delivered, refused, unreachable or dead (given up).",
            ["sink", "result"],
            registry=registry,
        )
