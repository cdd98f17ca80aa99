"""What a call asks of the world, step by step.

A conversation decides everything and does nothing: the two clients carry its steps out, one by blocking, one by
awaiting, and send the outcome of each back in.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx

T = TypeVar("T")

Fields = dict[str, str | Sequence[str]]
"""Of a form or a query; several values where one is said several times."""
Files = list[tuple[str, tuple[str, bytes]]]
"""Of a form: (field, (file name, bytes))."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request over HTTP."""

    method: str
    path: str
    query: Fields = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Fields | None = None
    files: Files | None = None
    json: Any = None
    repeatable: bool = True
    """Whether a second one does no more than the first: it reads, or has an idempotency key."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Its bytes are sent back; an `OSError` leaves the call as it is."""

    path: Path


@dataclass(frozen=True, slots=True)
class Send:
    """What came of the request is sent back: a `Reply`."""

    request: Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Give(Generic[T]):
    """One more item for the caller of a call that gives several."""

    item: T


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came."""

    error: httpx.RequestError
    url: str
    """Of the gateway."""

    @property
    def never_arrived(self) -> bool:
        """Whether the gateway cannot have got the request."""
        return isinstance(self.error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


Reply = httpx.Response | Lost
Step = ReadFile | Send | Wait
Conversation = Generator[Step, Any, T]
"""Of a call with one answer."""
Stream = Generator[Step | Give[T], Any, None]
"""Of a call that gives several items."""


def read_file(path: Path) -> Conversation[bytes]:
    """The bytes of a file."""
    content: bytes = yield ReadFile(path)
    return content


def send(request: Request) -> Conversation[Reply]:
    """The answer to a request, or that there was none."""
    reply: Reply = yield Send(request)
    return reply
