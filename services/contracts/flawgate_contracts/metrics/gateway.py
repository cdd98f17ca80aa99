"""What the gateway counts of inspections, of who may not ask for them, and of streams."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from flawgate_contracts.metrics.buckets import DIFFERENCE_BUCKETS, END_TO_END_BUCKETS, SCORE_BUCKETS
from flawgate_contracts.metrics.late import LateGauge


class InspectionMetrics:
    """What the gateway counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.inspections = Counter(
            "flawgate_inspections_total",
            "Inspections answered, by recipe, station (`other` beyond a bound), evaluation and reason.",
            ["recipe", "station", "evaluation", "reason"],
            registry=registry,
        )
        self.replays = Counter(
            "flawgate_inspections_replayed_total",
            "Requests that got the answer of an earlier one with the same idempotency key.",
            registry=registry,
        )
        self.failures = Counter(
            "flawgate_inspection_failures_total",
            "Inspections that ended without an evaluation, by the reason of the error and whose fault it was.",
            ["reason", "fault"],
            registry=registry,
        )
        self.duration = Histogram(
            "flawgate_inspection_duration_seconds",
            "Time from the first byte of a frame to its evaluation, by recipe.",
            ["recipe"],
            buckets=END_TO_END_BUCKETS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "flawgate_inspections_in_progress", "Inspections that are being worked on.", registry=registry
        )
        self.score = Histogram(
            "flawgate_inspection_score_ratio",
            "Scores of the inspections answered, 0 to 1, by recipe.",
            ["recipe"],
            buckets=SCORE_BUCKETS,
            registry=registry,
        )


class VariantMetrics:
    """What the gateway counts of decision services beside each other: stable, canary, shadow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.inspections = Counter(
            "flawgate_variant_inspections_total",
            "Inspections answered by the variant that judged them, and frames that the shadow judged, by evaluation.",
            ["recipe", "variant", "evaluation"],
            registry=registry,
        )
        self.fallbacks = Counter(
            "flawgate_canary_fallbacks_total",
            "Frames of the canary that the stable variant judged, by why the canary did not.",
            ["recipe", "reason"],
            registry=registry,
        )
        self.comparisons = Counter(
            "flawgate_shadow_comparisons_total",
            "Answers compared with the shadow's: the same evaluation, another one, none, or not compared for want of "
            "room.",
            ["recipe", "result"],
            registry=registry,
        )
        self.difference = Histogram(
            "flawgate_shadow_score_difference",
            "Difference of the shadow's score from the one answered, 0 to 1, by recipe.",
            ["recipe"],
            buckets=DIFFERENCE_BUCKETS,
            registry=registry,
        )


class AdmissionMetrics:
    """What the gateway says of frames that wait for their turn, or are not let in."""

    def __init__(self, registry: CollectorRegistry, causes: Sequence[str]) -> None:
        self.waiting = Gauge(
            "flawgate_admission_waiting_frames", "Frames of a recipe that wait now.", ["recipe"], registry=registry
        )
        self.rejected = Counter(
            "flawgate_admission_rejected_total",
            "Frames that were not let in: the recipe's queue was full, the deadline could not be met, or too many "
            "frames were taken on already.",
            ["reason"],
            registry=registry,
        )
        for cause in causes:
            self.rejected.labels(cause)


class HttpMetrics:
    """What the gateway counts of HTTP requests. A route is the template of a path, never the path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "flawgate_http_requests_total",
            "HTTP requests served, by method, route and status; 499 where the caller went away unanswered.",
            ["method", "route", "code"],
            registry=registry,
        )
        self.duration = Histogram(
            "flawgate_http_request_duration_seconds",
            "Time from the arrival of an HTTP request to the end of its answer.",
            ["method", "route"],
            buckets=END_TO_END_BUCKETS,
            registry=registry,
        )


class StandingMetrics:
    """How the gateway, and what it stands on, is now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.dependency_up = Gauge(
            "flawgate_dependency_up",
            "1 while what the gateway needs can be used, else 0.",
            ["dependency"],
            registry=registry,
        )
        self.ready = Gauge(
            "flawgate_ready", "1 while frames can be inspected, as /readyz says, else 0.", registry=registry
        )
        self.policy = Gauge(
            "flawgate_policy_info", "1, by recipe: the policy in force.", ["recipe", "policy"], registry=registry
        )
        self.review_queue = LateGauge(
            "flawgate_review_queue_size",
            "Parts that wait for a review, among the latest that may: absent where they cannot be counted.",
            registry,
        )


class UpstreamMetrics:
    """What the gateway counts of its calls of other services."""

    def __init__(self, registry: CollectorRegistry, services: Sequence[str]) -> None:
        self.retries = Counter(
            "flawgate_upstream_retries_total",
            "Further tries of calls of a service, since a server of it was unavailable.",
            ["service"],
            registry=registry,
        )
        for service in services:
            self.retries.labels(service)


class AccessMetrics:
    """What the gateway counts of requests that it does not let in."""

    def __init__(self, registry: CollectorRegistry, reasons: Sequence[str]) -> None:
        self.refused = Counter(
            "flawgate_access_refused_total",
            "Requests refused for their API key, by the reason of the error.",
            ["reason"],
            registry=registry,
        )
        for reason in reasons:
            self.refused.labels(reason)


class StreamMetrics:
    """What the gateway counts of cameras' streams."""

    def __init__(self, registry: CollectorRegistry, outcomes: Sequence[str], causes: Sequence[str]) -> None:
        self.open = Gauge("flawgate_streams_open", "Streams of cameras that are open.", registry=registry)
        self.frames = Counter(
            "flawgate_stream_frames_total",
            "Frames of streams that were settled: inspected, replayed (on record before), or dropped.",
            ["outcome"],
            registry=registry,
        )
        self.gaps = Counter(
            "flawgate_gaps_total", "Gaps of streams that went on record, by cause.", ["cause"], registry=registry
        )
        self.gap_frames = Counter(
            "flawgate_gap_frames_total", "Frames within these gaps, by cause.", ["cause"], registry=registry
        )
        for outcome in outcomes:
            self.frames.labels(outcome)
        for cause in causes:
            self.gaps.labels(cause)
            self.gap_frames.labels(cause)
