"""One request until its answer, or its error."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from flawgate_client.conversation import Conversation, Lost, Reply, Request, Wait, send
from flawgate_client.errors import (
    Conflict,
    Denied,
    Facts,
    Failed,
    Fault,
    FlawgateError,
    InvalidRequest,
    NotFound,
    Unavailable,
    Unreachable,
)
from flawgate_client.retrying import Policy, retry_after_s

T = TypeVar("T")

UNREACHABLE = "UNREACHABLE"
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
CLASSES: Mapping[int, type[FlawgateError]] = {
    400: InvalidRequest,
    401: Denied,
    403: Denied,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
}
PASSING = frozenset({502, 503, 504})
"""What a proxy in between says while a gateway starts or stops."""


def exchange(policy: Policy, request: Request, read: Callable[[httpx.Response], T]) -> Conversation[T]:
    """Send a request, and again while that may help; gives what `read` makes of the answer.

    Raises:
        FlawgateError: of the class that fits; of the last try.
    """
    attempt = 0
    while True:
        reply = yield from send(request)
        outcome = _outcome(reply, read)
        if not isinstance(outcome, FlawgateError):
            return outcome
        pause_s = policy.pause_s(attempt, outcome) if _may_repeat(request, reply) else None
        if pause_s is None:
            raise outcome
        yield Wait(pause_s)
        attempt += 1


def problem_error(problem: Mapping[str, Any], *, after_s: float | None = None) -> FlawgateError:
    """The error that a problem (RFC 9457) of the gateway is.

    Raises:
        KeyError: it is none of a gateway's.
    """
    faults = [Fault(fault["pointer"], fault["detail"]) for fault in problem.get("errors") or ()]
    facts = Facts(
        code=problem["code"],
        retryable=problem["retryable"] is True,
        status=problem["status"],
        request_id=problem.get("request_id"),
        retry_after_s=after_s,
        metadata=problem.get("metadata"),
        faults=faults,
    )
    return _class(facts)(problem["detail"], facts)


def _outcome(reply: Reply, read: Callable[[httpx.Response], T]) -> T | FlawgateError:
    if isinstance(reply, Lost):
        return _unreachable(reply)
    try:
        if reply.is_success:
            return read(reply)
        return problem_error(reply.json(), after_s=retry_after_s(reply.headers.get("retry-after")))
    except (ValueError, KeyError, TypeError):
        return _foreign(reply)


def _may_repeat(request: Request, reply: Reply) -> bool:
    """Whether a second request can do no harm; one that says what it refuses has done nothing."""
    if request.repeatable:
        return True
    return reply.never_arrived if isinstance(reply, Lost) else reply.status_code not in PASSING


def _class(facts: Facts) -> type[FlawgateError]:
    if facts.retryable:
        return Unavailable
    return Conflict if facts.code == KEY_REUSED else CLASSES.get(facts.status or 0, Failed)


def _unreachable(lost: Lost) -> Unreachable:
    why = str(lost.error) or type(lost.error).__name__
    sentence = f"No gateway answers at {lost.url} ({why}); check the URL, and whether the gateway runs."
    return Unreachable(sentence, Facts(code=UNREACHABLE, retryable=True))


def _foreign(answer: httpx.Response) -> FlawgateError:
    """What is said of an answer that a gateway does not give."""
    status = answer.status_code
    sentence = f"HTTP {status} that no Flawgate gateway says: is {answer.url.copy_with(raw_path=b'/')} one?"
    passing = status in PASSING
    after_s = retry_after_s(answer.headers.get("retry-after"))
    facts = Facts(code=f"HTTP_{status}", retryable=passing, status=status, retry_after_s=after_s)
    return (Unavailable if passing else Failed)(sentence, facts)
