import pytest

from flawgate_contracts.errors import RateLimited
from flawgate_gateway.access.caller import Caller
from flawgate_gateway.access.rates import Quota, RateLimits


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def caller(name: str = "a", requests_per_s: float | None = None) -> Caller:
    """Somebody with a rate."""
    return Caller(name, name, frozenset(), requests_per_s)


def taken(limits: RateLimits, who: Caller, *, at_most: int = 1000) -> int:
    """How many requests are let in at once."""
    for count in range(at_most):
        try:
            limits.take(who)
        except RateLimited:
            return count
    return at_most


@pytest.mark.parametrize(("rate", "burst"), [(10.0, 20), (0.1, 1), (0.5, 1), (1.0, 2), (0.001, 1)])
def test_a_burst_is_two_seconds_worth_and_one_at_least(rate: float, burst: int) -> None:
    """A slow key may ask too."""
    assert taken(RateLimits(rate, clock=Clock()), caller()) == burst


def test_over_time_a_key_asks_as_often_as_it_may() -> None:
    """100 s at 10 a second: 1000, and the burst at the start."""
    clock = Clock()
    limits = RateLimits(10, clock=clock)
    count = 0
    for _ in range(2000):
        count += taken(limits, caller())
        clock.now += 0.05
    assert count == pytest.approx(1000 + 20, abs=1)


@pytest.mark.parametrize("rate", [0.001, 0.3, 3.0, 7.0, 250.0])
def test_whoever_waits_as_told_is_let_in(rate: float) -> None:
    """And who comes a tenth of that time earlier is not."""
    clock = Clock()
    limits = RateLimits(rate, clock=clock)
    taken(limits, caller())
    with pytest.raises(RateLimited) as refused:
        limits.take(caller())
    wait_s = float(refused.value.metadata["retry_after_s"])
    assert wait_s <= 1 / rate + 0.001
    clock.now += 0.9 * wait_s - 0.001
    assert taken(limits, caller(), at_most=1) == 0
    clock.now += 0.1 * wait_s + 0.001
    assert taken(limits, caller(), at_most=1) == 1


def test_keys_have_their_own_rates() -> None:
    """One that is spent does not touch another; a rate of its own counts more than the gateway's."""
    limits = RateLimits(1, clock=Clock())
    assert taken(limits, caller("a")) == 2
    assert taken(limits, caller("b")) == 2
    assert taken(limits, caller("c", requests_per_s=50)) == 100


def test_what_is_left_is_said() -> None:
    """Requests at once, and how long it takes until they all are there again."""
    clock = Clock()
    limits = RateLimits(5, clock=clock)
    assert limits.take(caller()) == Quota(limit=10, window_s=2, left=9, full_after_s=1)
    taken(limits, caller())
    clock.now += 0.2
    assert limits.take(caller()) == Quota(limit=10, window_s=2, left=0, full_after_s=2)
    clock.now += 60
    assert limits.take(caller()).left == 9


def test_the_memory_is_bounded() -> None:
    """The key that has been silent longest is forgotten, and starts anew; those that ask are not."""
    limits = RateLimits(0.001, max_keys=3, clock=Clock())
    for name in "abc":
        assert taken(limits, caller(name), at_most=2) == 1
    assert taken(limits, caller("a"), at_most=2) == 0
    assert taken(limits, caller("d"), at_most=2) == 1
    assert taken(limits, caller("a"), at_most=2) == 0
    assert taken(limits, caller("b"), at_most=2) == 1
    assert len(limits._buckets) == 3
