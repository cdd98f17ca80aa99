"""Spans: what a request's time goes into. Without a tracer all of them are one that does nothing.

A span becomes the current one by becoming the current `RequestContext`'s: log lines, the headers for the next hop and
the spans within it agree on its id. OpenTelemetry's own context is not used.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol, Self

from flawgate_contracts.context import RequestContext, bind, bound_context, unbind
from flawgate_contracts.errors import FlawgateError, RequestCancelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token
    from types import TracebackType

Value = str | bool | int | float
Kind = Literal["internal", "client", "server"]

PREFIX = "flawgate."
"""Of the names of our own attributes."""
ERROR_TYPE = "error.type"


class BegunSpan(Protocol):
    """A span that a tracer has begun."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        ...

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits."""
        ...

    @property
    def sampled(self) -> bool:
        """Whether it is kept."""
        ...

    def rename(self, name: str) -> None:
        """What it is called from now on."""
        ...

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Put attributes on it, by their full names."""
        ...

    def fail(self) -> None:
        """Mark it as failed."""
        ...

    def end(self, end_ns: int | None = None) -> None:
        """End it: now, or at a time of the system's clock in nanoseconds."""
        ...


class Tracer(Protocol):
    """Begins spans."""

    def begin(
        self,
        context: RequestContext,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        *,
        parent_id: str | None,
        link: RequestContext | None = None,
        start_ns: int | None = None,
    ) -> BegunSpan:
        """A span of the context's trace below `parent_id`; where that is None, the first one of a new trace."""
        ...


class Span:
    """A span that nobody keeps; `with` runs its block as if it were not there."""

    __slots__ = ()

    def set(self, **attributes: Value) -> None:
        """Put attributes on it, `recipe="leather"` under `flawgate.recipe`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""


NOTHING = Span()


class _Process:
    """What is so for the whole process, as its logging is: a span is begun wherever work is done."""

    tracer: Tracer | None = None


def use_tracer(tracer: Tracer | None) -> None:
    """Begin spans with `tracer` from now on; with None, none."""
    _Process.tracer = tracer


def current_tracer() -> Tracer | None:
    """What spans are begun with; None where nothing is traced."""
    return _Process.tracer


def span(name: str, **attributes: Value) -> Span:
    """The work of a `with` block, as a span below the current one; nothing where the request's trace is not kept.

    An exception that ends the block marks it as failed, with its reason (`error.type`) and without its words, which
    may hold what a caller sent.

    Args:
        name: one of docs/tracing.md.
        **attributes: bounded facts, `recipe="leather"` under `flawgate.recipe`; nothing that tells of one part.
    """
    return _begun(name, "internal", attributes)


def client_span(name: str, **attributes: Value) -> Span:
    """As `span`, for a call of another service: what that begins lies below it."""
    return _begun(name, "client", attributes)


def past_span(name: str, *, start_ns: int, seconds: float) -> None:
    """Work that was measured where no span could be, as a span below the current one.

    Args:
        name: one of docs/tracing.md.
        start_ns: when it began, by `time.time_ns()`.
        seconds: how long it took.
    """
    tracer, context = _Process.tracer, bound_context()
    if tracer is not None and context is not None and context.sampled:
        begun = tracer.begin(context, name, "internal", {}, parent_id=context.span_id, start_ns=start_ns)
        begun.end(start_ns + round(seconds * 1e9))


def exemplar() -> dict[str, str] | None:
    """What leads from a measured value to the trace of the current request; None where that is not kept."""
    context = bound_context()
    if _Process.tracer is None or context is None or not context.sampled:
        return None
    return {"trace_id": context.trace_id}


def _begun(name: str, kind: Kind, attributes: Mapping[str, Value]) -> Span:
    tracer = _Process.tracer
    if tracer is None:
        return NOTHING
    context = bound_context()
    if context is None or not context.sampled:
        return NOTHING
    return _Recorded(tracer, context, name, kind, attributes)


class _Recorded(Span):
    """A span that is kept."""

    __slots__ = ("_begun", "_context", "_how", "_token", "_tracer")

    def __init__(
        self, tracer: Tracer, context: RequestContext, name: str, kind: Kind, attributes: Mapping[str, Value]
    ) -> None:
        self._tracer = tracer
        self._context = context
        self._how = (name, kind, _ours(attributes))

    def set(self, **attributes: Value) -> None:
        self._begun.set(_ours(attributes))

    def __enter__(self) -> Self:
        self._begun = self._tracer.begin(self._context, *self._how, parent_id=self._context.span_id)
        self._token: Token[RequestContext | None] = bind(replace(self._context, span_id=self._begun.span_id))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        unbind(self._token)
        if error is not None:
            self._begun.set({ERROR_TYPE: reason_of(error)})
            self._begun.fail()
        self._begun.end()


def reason_of(error: BaseException) -> str:
    """The reason of one of our errors; of any other exception its class."""
    if isinstance(error, FlawgateError):
        return error.reason
    return RequestCancelled.reason if isinstance(error, asyncio.CancelledError) else type(error).__qualname__


def _ours(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{PREFIX}{name}": value for name, value in attributes.items()}
