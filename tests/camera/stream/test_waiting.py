import random

import pytest

from flawgate_camera.stream.facts import Timing
from flawgate_camera.stream.waiting import BackOff
from flawgate_contracts.errors import (
    FlawgateError,
    InternalError,
    ModelFailure,
    PermissionDenied,
    RateLimited,
    Unavailable,
    UnknownRecipe,
)

TIMING = Timing(retry_s=1.0, retry_max_s=30.0, refused_s=60.0)


def back_off() -> BackOff:
    """A fresh one."""
    return BackOff(TIMING, random.Random(7))  # noqa: S311  # chance, not secrecy


@pytest.mark.parametrize("error", [Unavailable("x"), InternalError("x"), ModelFailure("x")])
def test_waits_double_up_to_their_bound_and_begin_anew(error: FlawgateError) -> None:
    """Chance takes a part of each wait, the most is `retry_max_s`, and a success brings the short ones back."""
    waiting = back_off()
    ceilings = [1, 2, 4, 8, 16, 30, 30, 30]
    assert all(0.1 * ceiling <= waiting.wait_s(error) <= ceiling for ceiling in ceilings)
    waiting.succeeded()
    assert waiting.wait_s(error) <= 1


@pytest.mark.parametrize("error", [UnknownRecipe("x"), PermissionDenied("x")])
def test_an_error_that_lasts_is_waited_out(error: FlawgateError) -> None:
    """What somebody must mend first is asked about a minute later, from the first time on."""
    waiting = back_off()
    assert all(30 <= waiting.wait_s(error) <= 90 for _ in range(20))


def test_who_is_told_when_to_come_again_comes_then() -> None:
    """`retry_after_s` is a lower bound, itself bounded by `retry_max_s`."""
    waiting = back_off()
    assert waiting.wait_s(RateLimited("x", {"retry_after_s": "5"})) == 5
    assert waiting.wait_s(RateLimited("x", {"retry_after_s": "5000"})) == 30


def test_years_of_tries_do_not_overflow() -> None:
    """The exponent is bounded, too."""
    waiting = back_off()
    assert max(waiting.wait_s(Unavailable("x")) for _ in range(5000)) <= 30
