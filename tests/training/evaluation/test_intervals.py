import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from flawgate_training.evaluation.intervals import bootstrap, clopper_pearson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(71, 82, 0.773, 0.931), (20, 24, 0.626, 0.953), (19, 24, 0.578, 0.929), (17, 20, 0.621, 0.968)],
)
def test_published_intervals(part: int, whole: int, low: float, high: float) -> None:
    """The intervals of papers c and e, to three decimals."""
    found = clopper_pearson(part, whole)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)


def test_definition() -> None:
    """At either end, so extreme a count has a probability of 2.5 %."""
    found = clopper_pearson(7, 10)
    assert binom.sf(6, 10, found.low) == pytest.approx(0.025)
    assert binom.cdf(7, 10, found.high) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(0, 0, (0.0, 1.0)), (10, 10, (0.692, 1.0)), (0, 10, (0, 0.308))]
)
def test_extremes(part: int, whole: int, expected: tuple[float, float]) -> None:
    """Of nothing, everything is possible; of all, the upper end is 1; of none, the lower 0."""
    found = clopper_pearson(part, whole)
    assert (found.low, found.high) == pytest.approx(expected, abs=5e-4)


def test_bootstrap_of_a_mean() -> None:
    """400 frames of 0 and 1: close to the normal approximation, and the same at every call."""
    values = np.arange(400) % 2.0
    names = [str(number) for number in range(400)]
    found = bootstrap(names, lambda weights: weights @ values / weights.sum(axis=1))
    assert found == bootstrap(names, lambda weights: weights @ values / weights.sum(axis=1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.01)


def test_whole_groups_are_drawn() -> None:
    """Ten parts whose forty frames each are alike tell no more than ten frames: the interval is as wide."""
    values = np.repeat(np.arange(10) % 2.0, 40)
    by_part = bootstrap([str(number // 40) for number in range(400)], lambda w: w @ values / w.sum(axis=1))
    assert by_part is not None
    assert by_part.high - by_part.low == pytest.approx(2 * 1.96 * 0.5 / 10**0.5, rel=0.2)


def test_no_interval_from_one_part() -> None:
    """One part cannot tell how parts differ."""
    assert bootstrap(["a", "a"], lambda weights: weights.sum(axis=1)) is None


def test_no_interval_where_mostly_undefined() -> None:
    """A statistic that most draws leave undefined has no interval."""
    assert bootstrap(["a", "b"], lambda weights: np.full(len(weights), np.nan)) is None


def test_bounded_work() -> None:
    """A million frames are drawn 100 times, not 1,000."""
    drawn: list[int] = []

    def first(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn.append(len(weights))
        return weights[:, 0]

    bootstrap(["a", "b"] * 500_000, first)
    assert sum(drawn) == 100
