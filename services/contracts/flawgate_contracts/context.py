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
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from flawgate_contracts.errors import DeadlineExceeded

REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request on its way through the services."""

    request_id: str
    """1 to 64 characters of A–Z, a–z, 0–9, `.`, `_`, `-`."""
    trace_id: str
    """32 hexadecimal digits, shared by all hops."""
    span_id: str
    """16 hexadecimal digits, this hop's own."""
    trace_flags: str = "00"
    """2 hexadecimal digits: `01` where the caller samples the trace."""
    deadline: float | None = None
    """Moment on the monotonic clock, in seconds, after which nobody waits for the answer; None without one."""

    @property
    def traceparent(self) -> str:
        """The header for the next hop."""
        return f"00-{self.trace_id}-{self.span_id}-{self.trace_flags}"

    def metadata(self) -> dict[str, str]:
        """Headers, or gRPC metadata, for the next hop."""
        return {REQUEST_ID_KEY: self.request_id, TRACEPARENT_KEY: self.traceparent}

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
    trace = _TRACEPARENT.fullmatch(headers.get(TRACEPARENT_KEY, ""))
    return RequestContext(
        request_id=request_id if _REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex,
        trace_id=trace[1] if trace and set(trace[1]) != {"0"} else secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        trace_flags=trace[3] if trace else "00",
        deadline=None if timeout_s is None else time.monotonic() + timeout_s,
    )


def current_context() -> RequestContext:
    """The context of the request being served; a new one, without deadline, outside of any."""
    return _current.get() or new_context({})


@contextmanager
def bound(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one, and put its ids on every log line, until the end of the block."""
    token = _current.set(context)
    log_tokens = structlog.contextvars.bind_contextvars(request_id=context.request_id, trace_id=context.trace_id)
    try:
        yield context
    finally:
        structlog.contextvars.reset_contextvars(**log_tokens)
        _current.reset(token)
