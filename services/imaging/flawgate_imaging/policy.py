"""The policy: what is said about a frame becomes an evaluation."""

from collections.abc import Mapping
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


def evaluate(score: float, areas: Mapping[str, int], policy: Policy) -> Verdict:
    """Hold areas against their limits where the policy has any; else the score against threshold and guard band.

    Args:
        score: how bad the frame is, 0 to 1, rounded to `SCORE_DECIMALS`.
        areas: of each class that was found, in pixels of the original frame.
        policy: threshold 0.9 in paper d, section 3.2.
    """
    if policy.areas:
        return _by_area(areas, policy)
    if score >= policy.threshold:
        return Verdict(Evaluation.NOT_OK, "SCORE_ABOVE_THRESHOLD")
    # Asked this way round, a value that is no number is never OK.
    if score <= round(policy.threshold - policy.guard_band, SCORE_DECIMALS):
        return Verdict(Evaluation.OK, "SCORE_BELOW_THRESHOLD")
    return Verdict(Evaluation.NOT_DECIDABLE, "SCORE_IN_GUARD_BAND")


def _by_area(areas: Mapping[str, int], policy: Policy) -> Verdict:
    """By the first class, in the policy's order, that leaves its limits."""
    for name, limits in policy.areas.items():
        area = areas.get(name, 0)
        if limits.max_px is not None and area > limits.max_px:
            return Verdict(Evaluation.NOT_OK, "AREA_ABOVE_LIMIT")
        if area < limits.min_px:
            return Verdict(Evaluation.NOT_OK, "AREA_BELOW_LIMIT")
    return Verdict(Evaluation.OK, "AREAS_WITHIN_LIMITS")
