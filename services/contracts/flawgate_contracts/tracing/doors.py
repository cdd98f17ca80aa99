"""Where a request comes in, or begins: its context is bound, and its part of the trace begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from flawgate_contracts.context import RequestContext, bind, unbind
from flawgate_contracts.tracing.spans import ERROR_TYPE, BegunSpan, Kind, Tracer, Value, current_tracer, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token
    from types import TracebackType


class Served:
    """A request being served: `with` binds its context, which bears the id of its span.

    Attributes:
        context: as bound within the block.
    """

    __slots__ = ("_attributes", "_begun", "_kind", "_link", "_name", "_token", "_told", "_traced", "context")

    def __init__(
        self,
        context: RequestContext,
        name: str,
        attributes: Mapping[str, Value] | None = None,
        *,
        kind: Kind = "server",
        link: RequestContext | None = None,
        traced: bool = True,
    ) -> None:
        """A request.

        Args:
            context: as its headers tell. Where no caller began the trace, and it is to be kept, it gets another id.
            name: of its span, with few values.
            attributes: by their names in OpenTelemetry's semantic conventions.
            kind: of its span.
            link: a request of which it is a part, without being caused by it alone.
            traced: False for one that has no span: what lies within it lies below its caller's.
        """
        self.context = context
        self._name = name
        self._attributes = attributes
        self._kind = kind
        self._link = link
        self._traced = traced
        self._begun: BegunSpan | None = None
        self._told = False

    def __enter__(self) -> Self:
        tracer = current_tracer()
        if tracer is not None:
            self.context = self._within_span(tracer) if self._traced else _passed_on(self.context)
        self._token: Token[RequestContext | None] = bind(self.context)
        return self

    def _within_span(self, tracer: Tracer) -> RequestContext:
        context, attributes = self.context, self._attributes or {}
        begun = tracer.begin(context, self._name, self._kind, attributes, parent_id=context.parent_id, link=self._link)
        if not begun.sampled:
            return replace(context, trace_flags="00")
        self._begun = begun
        return replace(context, trace_id=begun.trace_id, span_id=begun.span_id, trace_flags="01")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        unbind(self._token)
        if self._begun is None:
            return
        if error is not None and not self._told:
            self._begun.set({ERROR_TYPE: reason_of(error)})
            self._begun.fail()
        self._begun.end()

    def answered(self, attributes: Mapping[str, Value], *, name: str | None = None, failed: bool = False) -> None:
        """Say what came of it.

        Args:
            attributes: by their names in the semantic conventions.
            name: a better one, where it is known by now.
            failed: whether it is the service's fault that it has no good answer.
        """
        if self._begun is None:
            return
        self._told = True
        if name is not None:
            self._begun.rename(name)
        self._begun.set(attributes)
        if failed:
            self._begun.fail()


def _passed_on(context: RequestContext) -> RequestContext:
    return context if context.parent_id is None else replace(context, span_id=context.parent_id)
