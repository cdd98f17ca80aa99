"""Everything that a call can end with but an answer.

::

    FlawgateError
    ├── Refused                     the gateway said no; the same request will be refused again
    │   ├── InvalidRequest              400, 413, 415, 422: change the request, or send another picture
    │   ├── Denied                      401, 403: no valid API key, or one without the scope
    │   ├── NotFound                    404
    │   └── Conflict                    409, 412, a key used for another request: look again, then decide
    ├── Unavailable                 not now: the same request, with the same key, may succeed later
    │   └── Unreachable                 nobody answers
    └── Failed                      500, 502, or an answer that no gateway gives: tell whoever runs it

A frame whose call ended so was **not** inspected as far as anybody knows here: never take its part for good.
"""

# ruff: noqa: N818  # the names say what came of a call; "Error" ten times says nothing

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a request that is wrong."""

    pointer: str
    """Where: a JSON Pointer as a fragment, `#/recipe`."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an error beside its sentence."""

    code: str
    """Stable, UPPER_SNAKE: what a program branches on; `GET /problems` of the gateway lists them."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    status: int | None = None
    """Of HTTP; None where nothing was answered."""
    request_id: str | None = None
    """What whoever reads the gateway's logs asks for."""
    retry_after_s: float | None = None
    """How long the gateway asked to wait, in seconds."""
    metadata: Mapping[str, str] | None = None
    faults: Sequence[Fault] = ()


class FlawgateError(Exception):
    """A call without an answer.

    Attributes:
        detail: one sentence for a person: what is wrong and what to do.
        code, retryable, status, request_id, retry_after_s, metadata, faults: see `Facts`.
    """

    def __init__(self, detail: str, facts: Facts) -> None:
        super().__init__(f"{facts.code}: {detail}")
        self.detail = detail
        self.code = facts.code
        self.retryable = facts.retryable
        self.status = facts.status
        self.request_id = facts.request_id
        self.retry_after_s = facts.retry_after_s
        self.metadata = dict(facts.metadata or {})
        self.faults = tuple(facts.faults)


class Refused(FlawgateError):
    """The gateway said no; the same request will be refused again."""


class InvalidRequest(Refused):
    """The request cannot be served as it is: change it, or send another picture."""


class Denied(Refused):
    """No API key came, or one that is wrong, expired, revoked, or without the scope for this."""


class NotFound(Refused):
    """What was asked for is not there, or not kept any more."""


class Conflict(Refused):
    """What was asked for does not fit the state that stands, or its key was used for another request."""


class Unavailable(FlawgateError):
    """Not now: the same request may succeed later; it was tried as often as the client may."""


class Unreachable(Unavailable):
    """Nobody answers at the gateway's URL."""


class Failed(FlawgateError):
    """The gateway, or what stands behind it, is broken, or what answered is no gateway."""
