"""The population stability index: what is the same stays below 0.1, what has changed passes 0.25."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

import numpy as np
import pytest

from flawgate_contracts.reference import FEATURES, MAX_BINS, Distribution, Feature
from flawgate_imaging.drift import FLOOR, RESOLUTION, SHIFTED, STABLE, distribution, place, psi, resolution

HALVES = Distribution(edges=(0.0, 0.5, 1.0), shares=(0.5, 0.5))


def index(reference: Sequence[float], later: Sequence[float], feature: Feature = "mean") -> float:
    """How far later values are from those of the reference."""
    known = distribution(reference, RESOLUTION[feature])
    counts = [0] * len(known.shares)
    for value in later:
        counts[place(value, known)] += 1
    return psi(counts, known)


def lamp(mean: float, frames: int, seed: int) -> list[float]:
    """Means of pictures under a lamp of that brightness."""
    drawn = np.random.default_rng(seed).normal(mean, 0.03, frames)
    return [round(float(value), 6) for value in drawn]


def test_the_index_is_that_of_the_formula() -> None:
    """By hand: shares of a half each, of which a quarter and three quarters are seen."""
    assert psi([25, 75], HALVES) == pytest.approx(-0.25 * log(0.5) + 0.25 * log(1.5))


def test_nothing_changed_is_zero() -> None:
    """The reference against itself."""
    values = lamp(0.5, 500, seed=1)
    assert index(values, values) == pytest.approx(0, abs=1e-9)


def test_the_same_lamp_is_stable_and_a_darker_one_is_not() -> None:
    """500 frames of the same kind stay below 0.1; a tenth less light passes 0.25."""
    reference = lamp(0.5, 400, seed=1)
    assert index(reference, lamp(0.5, 500, seed=2)) < STABLE
    assert index(reference, lamp(0.45, 500, seed=3)) > SHIFTED


def test_an_empty_bin_counts_as_the_floor() -> None:
    """Neither an unseen bin nor one that the reference lacks makes the index infinite."""
    expected = (1 - 0.5) * log(2) + (FLOOR - 0.5) * log(FLOOR / 0.5)
    assert psi([10, 0], HALVES) == pytest.approx(expected)
    assert psi([10, 0], Distribution(edges=(0.0, 0.5, 1.0), shares=(0.0, 1.0))) > SHIFTED


def test_bins_hold_as_many_frames_each() -> None:
    """Ten of them, at quantiles."""
    known = distribution(lamp(0.5, 1000, seed=1), RESOLUTION["mean"])
    assert known.shares == pytest.approx([0.1] * MAX_BINS, abs=0.002)


def test_fewer_frames_get_fewer_bins() -> None:
    """Chance alone would move the index of many bins over few frames."""
    assert [len(distribution(lamp(0.5, frames, seed=1), RESOLUTION["mean"]).shares) for frames in (50, 160, 400)] == [
        2,
        4,
        10,
    ]


@pytest.mark.parametrize("feature", FEATURES)
def test_no_bin_is_narrower_than_what_matters(feature: Feature) -> None:
    """Values that hardly differ share a bin."""
    width = RESOLUTION[feature]
    values = np.random.default_rng(1).exponential(2 * width, 500).tolist()
    known = distribution(values, RESOLUTION[feature])
    assert min(upper - lower for lower, upper in pairwise(known.edges[:-1])) >= width - 1e-6
    assert 2 < len(known.shares) < MAX_BINS


@pytest.mark.parametrize(
    ("feature", "threshold", "expected"),
    [("score", 0.9, 0.01), ("score", 0.02, 0.0004), ("score", 0.0, 1e-6), ("focus", 0.02, 1.0)],
)
def test_a_small_threshold_makes_fine_bins_of_scores(feature: Feature, threshold: float, expected: float) -> None:
    """A residual is judged within a few hundredths; the picture's measures know no threshold."""
    assert resolution(feature, threshold) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_values_that_are_all_alike_have_a_bin_below_and_one_above(value: float) -> None:
    """A score that never was anything but 0 moves when it is something else, to whichever side."""
    known = distribution([value] * 100, RESOLUTION["score"])
    assert list(known.shares) == [0, 1, 0]
    assert index([value] * 100, [value + 0.005] * 200, "score") == pytest.approx(0, abs=1e-9)
    for moved in (value - 0.02, value + 0.02):
        assert index([value] * 100, [value] * 180 + [moved] * 20, "score") > SHIFTED


def test_a_tail_is_seen_beside_values_that_are_all_alike() -> None:
    """19 of 20 scores are 0: when one in five is not, that shows."""
    reference = [0.0] * 190 + [0.3] * 10
    assert index(reference, reference, "score") == pytest.approx(0, abs=1e-9)
    assert index(reference, [0.0] * 400 + [0.3] * 100, "score") > STABLE


@pytest.mark.parametrize(
    ("value", "expected"), [(-9.0, 0), (0.0, 0), (0.49, 0), (0.5, 1), (0.79, 1), (0.8, 2), (1.0, 2), (9.0, 2)]
)
def test_a_bin_holds_its_lower_edge_and_the_outermost_are_open(value: float, expected: int) -> None:
    """Every value has exactly one bin."""
    assert place(value, Distribution(edges=(0.0, 0.5, 0.8, 1.0), shares=(0.2, 0.3, 0.5))) == expected
