from collections import Counter
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from support.gateway_fakes import ready
from support.records import inspection
from support.tiny_repository import spot_recipe

from flawgate_gateway.observer import PrometheusObserver
from flawgate_gateway.variant_observer import PrometheusVariantObserver
from flawgate_gateway.variants.observer import FALLBACKS, Comparison

INSPECTIONS = "flawgate_variant_inspections_total"
FELL_BACK = "flawgate_canary_fallbacks_total"
COMPARED = "flawgate_shadow_comparisons_total"
DIFFERENCE = "flawgate_shadow_score_difference"
EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE")


class Counted:
    """A gateway's observers, and what they have counted."""

    def __init__(self, **variants: bool) -> None:
        self.registry = CollectorRegistry()
        self.variants = PrometheusVariantObserver(self.registry, **variants)
        self.observer = PrometheusObserver(self.registry, variants=self.variants)
        self.observer.listed([ready(spot_recipe())])

    def value(self, metric: str, **labels: Any) -> float | None:
        """A sample's value; None where there is none."""
        return self.registry.get_sample_value(metric, labels)

    def series(self) -> Counter[str]:
        """How many series of variants there are, by metric."""
        names = (INSPECTIONS, FELL_BACK, COMPARED, f"{DIFFERENCE}_count")
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        return Counter(sample.name for sample in samples if sample.name in names)


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ({}, {INSPECTIONS: 3}),
        ({"canary": True}, {INSPECTIONS: 6, FELL_BACK: len(FALLBACKS)}),
        ({"shadow": True}, {INSPECTIONS: 6, COMPARED: 4, f"{DIFFERENCE}_count": 1}),
        (
            {"canary": True, "shadow": True},
            {INSPECTIONS: 9, FELL_BACK: len(FALLBACKS), COMPARED: 4, f"{DIFFERENCE}_count": 1},
        ),
    ],
)
def test_all_that_may_be_counted_of_the_variants_there_are_is_0_from_the_start(
    variants: dict[str, bool], expected: dict[str, int]
) -> None:
    """And nothing is there of those that there are not: their panels say so."""
    counted = Counted(**variants)
    assert counted.series() == expected
    assert counted.value(INSPECTIONS, recipe="spot", variant="stable", evaluation="NOT_OK") == 0


@pytest.mark.parametrize("variant", ["stable", "canary"])
def test_an_inspection_is_counted_for_the_variant_that_judged_it(variant: str) -> None:
    """Beside the count of all inspections."""
    counted = Counted(canary=True)
    counted.observer.answered(inspection(variant=variant, station=None), 0.1)
    assert counted.value(INSPECTIONS, recipe="spot", variant=variant, evaluation="OK") == 1
    all_of_them = {"recipe": "spot", "station": "", "evaluation": "OK", "reason": "SCORE_BELOW_THRESHOLD"}
    assert counted.value("flawgate_inspections_total", **all_of_them) == 1


def test_what_nobody_knows_is_other() -> None:
    """A recipe that a camera's side makes up, and a reason that is not among those that come."""
    counted = Counted(canary=True)
    for number in range(100):
        counted.observer.answered(inspection(recipe=f"recipe_{number}"), 0.1)
        counted.variants.fell_back("spot", f"REASON_{number}")
    counted.variants.fell_back("spot", "PAUSED")
    assert counted.value(INSPECTIONS, recipe="other", variant="stable", evaluation="OK") == 100
    assert counted.value(FELL_BACK, recipe="spot", reason="other") == 100
    assert counted.value(FELL_BACK, recipe="spot", reason="PAUSED") == 1


def test_a_comparison_is_counted_with_what_the_shadow_said() -> None:
    """By its evaluation and by how far its score is off, as far as it said any."""
    counted = Counted(shadow=True)
    counted.variants.compared("spot", Comparison("agrees", "NOT_OK", 0.0005))
    counted.variants.compared("spot", Comparison("differs", "NOT_DECIDABLE"))
    counted.variants.compared("spot", Comparison("failed"))
    results = {result: counted.value(COMPARED, recipe="spot", result=result) for result in ("agrees", "differs")}
    assert (results, counted.value(COMPARED, recipe="spot", result="failed")) == ({"agrees": 1, "differs": 1}, 1)
    judged = [counted.value(INSPECTIONS, recipe="spot", variant="shadow", evaluation=each) for each in EVALUATIONS]
    assert judged == [0, 1, 1]
    assert counted.value(f"{DIFFERENCE}_bucket", recipe="spot", le="0.001") == 1
    assert counted.value(f"{DIFFERENCE}_count", recipe="spot") == 1
