"""What goes along with a request from hop to hop: its id, its trace, its deadline.

Trace context follows W3C Trace Context level 1 (`traceparent`). The request id is the caller's, where it sent a
well-formed one, or a new one.
"""

import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

from flawgate_contracts.errors import DeadlineExceeded

REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ZERO = {"0"}
_SAMPLED = 1
"""Bit of the trace flags that says that the trace is kept."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request on its way through the services."""

    request_id: str
    """1 to 64 characters of A–Z, a–z, 0–9, `.`, `_`, `-`."""
    trace_id: str
    """32 hexadecimal digits, shared by all hops."""
    span_id: str
    """16 hexadecimal digits: of the span that the work is done in, or else this hop's own."""
    trace_flags: str = "00"
    """2 hexadecimal digits: `01` where the caller samples the trace."""
    deadline: float | None = None
    """Moment on the monotonic clock, in seconds, after which nobody waits for the answer; None without one."""
    parent_id: str | None = None
    """16 hexadecimal digits: the caller's span; None where the trace begins here."""

    @property
    def sampled(self) -> bool:
        """Whether the trace is kept, by whoever began it."""
        return bool(int(self.trace_flags, 16) & _SAMPLED)

    @property
    def traceparent(self) -> str:
        """The header for the next hop."""
        return f"00-{self.trace_id}-{self.span_id}-{self.trace_flags}"

    def metadata(self) -> dict[str, str]:
        """Headers, or gRPC metadata, for the next hop."""
        return {REQUEST_ID_KEY: self.request_id, TRACEPARENT_KEY: self.traceparent}

    def metadata_for_triton(self) -> dict[str, str]:
        """As `metadata`, for a server that traces whatever comes with a `traceparent`, kept or not."""
        return self.metadata() if self.sampled else {REQUEST_ID_KEY: self.request_id}

    def remaining_s(self) -> float | None:
        """Seconds left, more than 0; None without a deadline.

        Raises:
            DeadlineExceeded: none are left.
        """
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("The deadline passed before the work was done; allow more time or send less.")
        return left


_current: ContextVar[RequestContext | None] = ContextVar("flawgate_request_context", default=None)


def new_context(headers: Mapping[str, str], *, timeout_s: float | None = None) -> RequestContext:
    """The context of an incoming request.

    Args:
        headers: lower-case names; `x-request-id` and `traceparent` are read, malformed ones replaced.
        timeout_s: seconds from now to the deadline; None for no deadline.
    """
    request_id = headers.get(REQUEST_ID_KEY, "")
    found = _TRACEPARENT.fullmatch(headers.get(TRACEPARENT_KEY, ""))
    trace = found if found and set(found[1]) != _ZERO and set(found[2]) != _ZERO else None
    return RequestContext(
        request_id=request_id if _REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex,
        trace_id=trace[1] if trace else secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        trace_flags=trace[3] if trace else "00",
        deadline=None if timeout_s is None else time.monotonic() + timeout_s,
        parent_id=trace[2] if trace else None,
    )


def current_context() -> RequestContext:
    """The context of the request being served; a new one, without deadline, outside of any."""
    return _current.get() or new_context({})


def bound_context() -> RequestContext | None:
    """The context of the request being served; None outside of any."""
    return _current.get()


def bind(context: RequestContext) -> Token[RequestContext | None]:
    """Make `context` the current one, until `unbind` is given the token: the log lines between bear its ids."""
    return _current.set(context)


def unbind(token: Token[RequestContext | None]) -> None:
    """Make the context current again that was so before `bind`."""
    _current.reset(token)


@contextmanager
def bound(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one until the end of the block: the log lines in it bear its ids."""
    token = bind(context)
    try:
        yield context
    finally:
        unbind(token)
