import math

import pytest

from flawgate_contracts.recipe import AreaLimits, Policy
from flawgate_imaging.policy import Evaluation, evaluate

AREAS = Policy(threshold=0.9, areas={"hole": AreaLimits(max_px=50), "seam": AreaLimits(min_px=100, max_px=900)})


@pytest.mark.parametrize(
    ("score", "guard_band", "expected"),
    [
        (1.0, 0.0, ("NOT_OK", "SCORE_ABOVE_THRESHOLD")),
        (0.9, 0.0, ("NOT_OK", "SCORE_ABOVE_THRESHOLD")),
        (0.899999, 0.0, ("OK", "SCORE_BELOW_THRESHOLD")),
        (0.0, 0.0, ("OK", "SCORE_BELOW_THRESHOLD")),
        (0.9, 0.1, ("NOT_OK", "SCORE_ABOVE_THRESHOLD")),
        (0.899999, 0.1, ("NOT_DECIDABLE", "SCORE_IN_GUARD_BAND")),
        (0.800001, 0.1, ("NOT_DECIDABLE", "SCORE_IN_GUARD_BAND")),
        (0.8, 0.1, ("OK", "SCORE_BELOW_THRESHOLD")),
    ],
)
def test_a_score_is_held_against_threshold_and_guard_band(
    score: float, guard_band: float, expected: tuple[str, str]
) -> None:
    """NOT_OK from the threshold upwards, NOT_DECIDABLE less than the guard band below it, else OK."""
    assert expected == evaluate(score, {}, Policy(threshold=0.9, guard_band=guard_band))


def test_what_is_no_number_is_never_ok() -> None:
    """Models that say NaN are refused before; should one come through, the part is still not let through."""
    assert evaluate(math.nan, {}, Policy(threshold=0.9)).evaluation is Evaluation.NOT_DECIDABLE


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ({"seam": 100}, ("OK", "AREAS_WITHIN_LIMITS")),
        ({"hole": 50, "seam": 900}, ("OK", "AREAS_WITHIN_LIMITS")),
        ({"hole": 51, "seam": 500}, ("NOT_OK", "AREA_ABOVE_LIMIT")),
        ({"hole": 0, "seam": 901}, ("NOT_OK", "AREA_ABOVE_LIMIT")),
        ({"hole": 0, "seam": 99}, ("NOT_OK", "AREA_BELOW_LIMIT")),
        ({}, ("NOT_OK", "AREA_BELOW_LIMIT")),
        ({"seam": 500, "stain": 10_000}, ("OK", "AREAS_WITHIN_LIMITS")),
    ],
    ids=["least", "most", "a hole too large", "too much seam", "too little seam", "no seam", "a class without limits"],
)
@pytest.mark.parametrize("score", [0.0, 1.0])
def test_where_areas_are_limited_they_decide(score: float, areas: dict[str, int], expected: tuple[str, str]) -> None:
    """Limits are inclusive, a class that was not found has no area, and the score has no say."""
    assert expected == evaluate(score, areas, AREAS)
