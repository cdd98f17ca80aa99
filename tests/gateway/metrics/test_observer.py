from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from support.gateway_fakes import ready
from support.records import inspection
from support.tiny_repository import spot_recipe

from flawgate_contracts.recipe import QualityLimits, Recipe
from flawgate_gateway.observer import PrometheusObserver
from flawgate_gateway.ports import STAGES, ListedRecipe
from flawgate_gateway.reasons import REASONS, possible

INSPECTIONS = "flawgate_inspections_total"
TRACE = {"trace_id": "0123456789abcdef" * 2}


class Counted:
    """An observer, and what it has counted."""

    def __init__(self, **given: Any) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry, **given)
        self.observer.listed([ready(spot_recipe())])

    def value(self, metric: str, **labels: str) -> float | None:
        """A sample's value; None where there is none."""
        return self.registry.get_sample_value(metric, labels)

    def verdicts(self, station: str) -> dict[str, float]:
        """How often each reason was given at a station."""
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        of_station = [s for s in samples if s.name == INSPECTIONS and s.labels["station"] == station]
        return {sample.labels["reason"]: sample.value for sample in of_station}


def test_all_that_may_be_said_of_a_recipe_is_counted_from_0_on() -> None:
    """As soon as decision lists it: `increase()` does not see the first of a series that is born with 1."""
    counted = Counted()
    assert counted.verdicts("") == {
        "SCORE_BELOW_THRESHOLD": 0,
        "SCORE_ABOVE_THRESHOLD": 0,
        "SCORE_IN_GUARD_BAND": 0,
        "DEADLINE_UNREACHABLE": 0,
        "GOLDEN_CHECK_FAILED": 0,
    }
    assert counted.value("flawgate_inspection_duration_seconds_count", recipe="spot") == 0
    assert counted.value("flawgate_admission_waiting_frames", recipe="spot") == 0


def test_a_station_is_counted_from_0_on_once_it_has_a_part() -> None:
    """What its models may say next is there before they say it."""
    counted = Counted()
    counted.observer.answered(inspection(station="S4"), 0.1)
    assert counted.verdicts("S4") == {
        "SCORE_BELOW_THRESHOLD": 1,
        "SCORE_ABOVE_THRESHOLD": 0,
        "SCORE_IN_GUARD_BAND": 0,
    }


def test_a_listed_recipe_that_cannot_be_read_is_passed_over() -> None:
    """And one that is listed again keeps what was counted."""
    counted = Counted()
    counted.observer.answered(inspection(station=None), 0.1)
    counted.observer.listed([ListedRecipe("zigzag", "BROKEN", "Its JSON ends early.", None), ready(spot_recipe())])
    assert counted.verdicts("")["SCORE_BELOW_THRESHOLD"] == 1


def test_what_a_cameras_side_makes_up_is_other() -> None:
    """It may decide by itself, and name any recipe and any reason."""
    counted = Counted()
    for number in range(100):
        counted.observer.answered(inspection(recipe=f"recipe_{number}", reason=f"REASON_{number}", station=None), 0.1)
    labels = {"recipe": "other", "station": "", "evaluation": "OK", "reason": "other"}
    assert counted.value(INSPECTIONS, **labels) == 100
    assert counted.value("flawgate_inspection_duration_seconds_count", recipe="other") == 100


@pytest.mark.parametrize(
    ("kind", "quality", "more"),
    [
        ("cascade", None, 0),
        ("segmentation", None, 3),
        ("classification", QualityLimits(), 5),
        ("segmentation", QualityLimits(), 8),
    ],
)
def test_a_recipe_has_the_reasons_of_its_kind_and_limits(kind: str, quality: QualityLimits | None, more: int) -> None:
    """Areas decide of a segmentation alone, and pictures are refused where the recipe limits them."""
    recipe: Recipe = spot_recipe().model_copy(update={"kind": kind, "quality": quality})
    verdicts = possible(recipe)
    assert len(set(verdicts)) == 5 + more
    assert {reason for _, reason in verdicts} <= REASONS


def test_a_failure_is_counted_with_whose_fault_it_is() -> None:
    """Objectives of availability leave out what callers did."""
    counted = Counted()
    counted.observer.failed("INVALID_FRAME")
    counted.observer.failed("MODEL_FAILURE")
    failures = "flawgate_inspection_failures_total"
    assert counted.value(failures, reason="INVALID_FRAME", fault="client") == 1
    assert counted.value(failures, reason="MODEL_FAILURE", fault="service") == 1
    assert counted.value(failures, reason="DEADLINE_EXCEEDED", fault="service") == 0


def test_stages_and_admission_are_there_from_the_start() -> None:
    """With 0, by all their names."""
    counted = Counted()
    stages = [counted.value("flawgate_stage_duration_seconds_count", stage=stage) for stage in STAGES]
    assert stages == [0] * 5
    counted.observer.rejected("queue_full")
    rejections = {
        reason: counted.value("flawgate_admission_rejected_total", reason=reason)
        for reason in ("queue_full", "deadline_unreachable", "too_many")
    }
    assert rejections == {"queue_full": 1, "deadline_unreachable": 0, "too_many": 0}


def test_a_queue_is_as_long_as_it_is_when_it_is_asked_for() -> None:
    """Nothing is set with each frame."""
    counted, waiting = Counted(), [3, 0]
    counted.observer.queue_opened("spot", waiting.pop)
    asked = [counted.value("flawgate_admission_waiting_frames", recipe="spot") for _ in range(2)]
    assert asked == [0, 3]


@pytest.mark.parametrize(("exemplar", "shown"), [(TRACE, 1), (None, 0)])
def test_a_kept_trace_is_found_by_its_latency(exemplar: dict[str, str] | None, shown: int) -> None:
    """The bucket of the histogram names it; no other trace is named."""
    counted = Counted(exemplar=lambda: exemplar)
    counted.observer.answered(inspection(), 0.12)
    told = generate_latest(counted.registry).decode()  # type: ignore[no-untyped-call]  # of the library
    assert told.count('# {trace_id="0123456789abcdef0123456789abcdef"} 0.12') == shown
