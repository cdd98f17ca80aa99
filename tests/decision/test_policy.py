import pytest

from flawgate_contracts.recipe import Policy
from flawgate_decision.policy import evaluate


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
    assert expected == evaluate(score, Policy(threshold=0.9, guard_band=guard_band))
