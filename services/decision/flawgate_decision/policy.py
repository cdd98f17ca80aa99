"""The policy: a score becomes an evaluation."""

from enum import StrEnum
from typing import NamedTuple

from flawgate_contracts.recipe import Policy
from flawgate_imaging.scores import SCORE_DECIMALS


class Evaluation(StrEnum):
    """OPC 40001-101, ResultEvaluationEnum."""

    OK = "OK"
    NOT_OK = "NOT_OK"
    NOT_DECIDABLE = "NOT_DECIDABLE"


class Verdict(NamedTuple):
    """An evaluation and why, UPPER_SNAKE."""

    evaluation: Evaluation
    reason: str


def evaluate(score: float, policy: Policy) -> Verdict:
    """Hold a score against the threshold and the guard band below it.

    Args:
        score: probability of a defect, 0 to 1, rounded to `SCORE_DECIMALS`.
        policy: threshold 0.9 in paper d, section 3.2.
    """
    if score >= policy.threshold:
        return Verdict(Evaluation.NOT_OK, "SCORE_ABOVE_THRESHOLD")
    if score > round(policy.threshold - policy.guard_band, SCORE_DECIMALS):
        return Verdict(Evaluation.NOT_DECIDABLE, "SCORE_IN_GUARD_BAND")
    return Verdict(Evaluation.OK, "SCORE_BELOW_THRESHOLD")
