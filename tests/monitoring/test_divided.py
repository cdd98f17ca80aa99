"""Times of rules, divided, so that a test need not wait for hours."""

import pytest
from support.prometheus import divided


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rate(flawgate_inspections_total[5m])", "rate(flawgate_inspections_total[5000ms])"),
        ("max_over_time(x[1h30m:1m])", "max_over_time(x[90000ms:1000ms])"),
        ("max_over_time(x[1h:])", "max_over_time(x[60000ms:])"),
        ("x offset 1d", "x offset 1440000ms"),
        ("x offset -1m", "x offset -1000ms"),
        ("for: 2m", "for: 2000ms"),
        ("keep_firing_for: 10m", "keep_firing_for: 10000ms"),
        ("interval: 30s", "interval: 500ms"),
        ("  scrape_interval: 15s # often", "  scrape_interval: 250ms # often"),
        ("scrape_timeout: 10ms", "scrape_timeout: 1ms"),
        (
            "time() - flawgate_golden_last_run_timestamp_seconds > 300",
            "time() - flawgate_golden_last_run_timestamp_seconds > 5",
        ),
        (
            "max by (sink) (flawgate_outbox_oldest_age_seconds) >= 90",
            "max by (sink) (flawgate_outbox_oldest_age_seconds) >= 1.5",
        ),
    ],
)
def test_times_are_divided(written: str, meant: str) -> None:
    """Ranges, steps, offsets, waits, intervals, and seconds that an age is compared with are one sixtieth."""
    assert divided(written, 60) == meant


@pytest.mark.parametrize(
    "written",
    [
        "record: flawgate:inspections:rate5m",
        "flawgate_outbox_pending > 300",
        "x[0]",
        'description: "no frame for 5m"',
        "histogram_quantile(0.95, x) > 1",
        'sum(rate(flawgate_inspection_duration_seconds_bucket{le="1.0"}))',
    ],
)
def test_all_else_stays(written: str) -> None:
    """Names, counts, limits of histograms and prose are no times."""
    assert divided(written, 60) == written
