import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.both_clients import Ask
from support.scripted_gateway import Scripted, hang_up, inspection, problem, scripted_gateway

from flawgate_client import Conflict, FlawgateError, Unavailable, Unreachable
from flawgate_client.errors import Facts
from flawgate_client.retrying import Policy, retry_after_s

BUSY = problem(503, "RECIPE_UNAVAILABLE", retryable=True)
RUNNING = problem(409, "REQUEST_IN_PROGRESS", retryable=True)
PROXY = Scripted(502, b"<html>Bad Gateway</html>", {"content-type": "text/html"})


def refused(*, retryable: bool = True, after_s: float | None = None) -> FlawgateError:
    """What came of a try."""
    return FlawgateError("Not now.", Facts(code="BUSY", retryable=retryable, retry_after_s=after_s))


@pytest.mark.parametrize("once", [BUSY, RUNNING, PROXY, hang_up()], ids=["busy", "in progress", "a proxy", "hung up"])
def test_an_inspection_is_tried_again_with_the_same_key(ask: Ask, once: Scripted) -> None:
    """Whatever happened to the first two, the third says the evaluation; all three are one request to the gateway."""
    with scripted_gateway(once, once, inspection()) as gateway:
        assert ask(gateway.url, "inspect", b"x", "spot").evaluation == "OK"
    keys = [headers["idempotency-key"] for headers in gateway.headers]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert re.fullmatch('"[0-9a-f-]{36}"', keys[0])


def test_every_inspection_has_a_key_of_its_own(ask: Ask) -> None:
    """The same picture sent twice by the caller's will is two inspections."""
    with scripted_gateway(inspection()) as gateway:
        ask(gateway.url, "inspect", b"x", "spot")
        ask(gateway.url, "inspect", b"x", "spot")
    assert len({headers["idempotency-key"] for headers in gateway.headers}) == 2


def test_a_key_of_the_callers_own_is_sent_as_a_quoted_string(ask: Ask) -> None:
    """As RFC 8941 writes it."""
    with scripted_gateway(inspection()) as gateway:
        ask(gateway.url, "inspect", b"x", "spot", idempotency_key='SN-1 "a\\b"')
    assert gateway.headers[0]["idempotency-key"] == r'"SN-1 \"a\\b\""'


@pytest.mark.parametrize("key", ["", "a\r\nx-evil: 1", "ü", "k" * 256])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(ask: Ask, key: str) -> None:
    """It can neither be cut short nor smuggle a header in."""
    with pytest.raises(ValueError, match="1 to 255 printable ASCII"):
        ask("http://127.0.0.1:9", "inspect", b"x", "spot", idempotency_key=key)


def test_retries_end_and_the_last_error_is_told(ask: Ask) -> None:
    """With all that the gateway said of it."""
    with scripted_gateway(BUSY) as gateway, pytest.raises(Unavailable) as told:
        ask(gateway.url, "inspect", b"x", "spot", client={"retries": 2})
    assert len(gateway.bodies) == 3
    error = told.value
    assert (error.code, error.status, error.retryable) == ("RECIPE_UNAVAILABLE", 503, True)
    assert error.detail == "Because of RECIPE_UNAVAILABLE."


def test_what_a_retry_cannot_mend_is_tried_once(ask: Ask) -> None:
    """A key that was used for another picture stays so."""
    reused = problem(422, "IDEMPOTENCY_KEY_REUSED", retryable=False)
    with scripted_gateway(reused) as gateway, pytest.raises(Conflict):
        ask(gateway.url, "inspect", b"x", "spot")
    assert len(gateway.bodies) == 1


def test_the_gateway_says_how_long_to_wait(ask: Ask) -> None:
    """Retry-After is kept to."""
    busy = problem(429, "OVERLOADED", retryable=True, retry_after="1")
    with scripted_gateway(busy, inspection()) as gateway:
        started = time.monotonic()
        ask(gateway.url, "inspect", b"x", "spot")
    assert time.monotonic() - started >= 1


def test_a_gateway_that_asks_for_too_long_is_not_waited_for(ask: Ask) -> None:
    """The caller is told how long it is, and decides."""
    busy = problem(429, "RATE_LIMITED", retryable=True, retry_after="3600")
    with scripted_gateway(busy) as gateway, pytest.raises(Unavailable) as told:
        ask(gateway.url, "inspect", b"x", "spot")
    assert (len(gateway.bodies), told.value.retry_after_s) == (1, 3600.0)


def test_nobody_there_is_unreachable(ask: Ask, nobody: str) -> None:
    """It names the URL and says what to do; a retry may help."""
    with pytest.raises(Unreachable, match=re.escape(nobody)) as told:
        ask(nobody, "inspect", b"x", "spot", client={"retries": 1})
    assert (told.value.code, told.value.retryable, told.value.status) == ("UNREACHABLE", True, None)


@pytest.mark.parametrize(
    ("chance", "attempt", "after_s", "pause_s"),
    [
        (1.0, 0, None, 0.25),
        (1.0, 3, None, 2.0),
        (0.5, 3, None, 1.0),
        (1.0, 4, 30.0, None),
        (1.0, 4, 18.0, 20.0),
        (0.0, 0, 3.0, 3.0),
        (1.0, 5, None, None),
    ],
    ids=["first", "doubled", "by chance", "too long", "at most", "as asked", "no more"],
)
def test_pauses_double_up_to_a_bound(chance: float, attempt: int, after_s: float | None, pause_s: float | None) -> None:
    """What the gateway asked for, and by chance up to a quarter of a second that doubles; 20 s at most, 5 times."""
    assert Policy(chance=lambda: chance).pause_s(attempt, refused(after_s=after_s)) == pause_s


def test_a_refusal_for_good_is_not_repeated() -> None:
    """However many tries are left."""
    assert Policy().pause_s(0, refused(retryable=False)) is None


@pytest.mark.parametrize("retries", [-1, 21])
def test_an_unreasonable_number_of_retries_is_refused(retries: int) -> None:
    """At the making of the client."""
    with pytest.raises(ValueError, match="0 to 20"):
        Policy(retries)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("Fri, 20 Nov 2026 10:15:02 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_http_writes_it(header: str | None, seconds: float | None) -> None:
    """Seconds, or a date; a date that has passed is now, and what is neither says nothing."""
    assert retry_after_s(header) == seconds


def test_a_date_to_come_is_the_time_until_then() -> None:
    """As proxies write it."""
    seconds = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert seconds == pytest.approx(60, abs=2)
