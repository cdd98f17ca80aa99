import pytest

from flawgate_gateway.access.caller import ANYONE, Caller, Scope
from flawgate_gateway.answer import Capture
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.variants.choosing import drawn, key_of

KEYS = [f"mes/{number}" for number in range(20_000)]
CAPTURE = Capture(stream_id="0e8f4f0e-0000-4000-8000-000000000001", sequence=7)
OTHER = Caller("another", "another", frozenset({Scope.INSPECT}))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_share_is_that_share_of_the_keys(share: float) -> None:
    """None at 0, all at 1, and as many as it says between, within four standard deviations."""
    found = sum(drawn(key, share, "canary") for key in KEYS)
    assert abs(found - share * len(KEYS)) <= 4 * (share * (1 - share) * len(KEYS)) ** 0.5


def test_a_larger_share_holds_every_smaller_one() -> None:
    """Who raises the share takes no frame away from the canary."""
    few, many = ({key for key in KEYS if drawn(key, share, "canary")} for share in (0.05, 0.2))
    assert few < many


def test_the_same_key_is_drawn_alike_everywhere_and_ever_after() -> None:
    """Written down, since gateways of different versions must agree on a try that comes again."""
    first = [number for number in range(60) if drawn(f"mes/{number}", 0.05, "canary")]
    assert first == [45]


def test_shares_of_different_purposes_have_nothing_to_do_with_each_other() -> None:
    """Of the canary's half, half are the shadow's."""
    canary = [key for key in KEYS if drawn(key, 0.5, "canary")]
    both = sum(drawn(key, 0.5, "shadow") for key in canary)
    assert both / len(canary) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Submission(ANYONE, "k-1"), Submission(ANYONE, "k-1"), True),
        (Submission(ANYONE, "k-1"), Submission(ANYONE, "k-2"), False),
        (Submission(ANYONE, "k-1"), Submission(OTHER, "k-1"), False),
        (Submission(ANYONE, capture=CAPTURE), Submission(OTHER, capture=CAPTURE), True),
        (Submission(), Submission(), False),
    ],
    ids=["a replay", "another key", "another caller", "a frame of a stream sent again", "without a key"],
)
def test_tries_of_one_inspection_are_drawn_together(one: Submission, other: Submission, *, same: bool) -> None:
    """By the key or the number in the stream; what has neither is an inspection of its own each time."""
    assert (key_of(one) == key_of(other)) == same
