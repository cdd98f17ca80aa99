"""What happens around every gRPC call, unary or streaming: context, deadline, errors, metrics, log line."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RequestInfo

from flawgate_contracts.context import RequestContext, current_context, new_context
from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InternalError,
    InvalidRequest,
    RequestCancelled,
)
from flawgate_contracts.grpc_errors import GRPC_CODES, STATUS_DETAILS_KEY, to_status
from flawgate_contracts.metrics.serving import RpcMetrics
from flawgate_contracts.tracing.calls import served_call, tell_call

log = structlog.get_logger(__name__)

# grpc's classes take type arguments in their stubs only, not at run time: hence the quotes.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Guard = Callable[[Context], AbstractAsyncContextManager[None]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

Take = Callable[[Any], Awaitable[Any]]

REQUEST_S = 30.0
"""How long the request of a call that has one is waited for, in seconds: 32 MiB at 1 MiB/s."""
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
"""Each watcher goes away with its connection, once a minute: no news."""
INTERNAL_SENTENCE = "Something went wrong inside; the service's log says what, under this request id."


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Binds the request context, ends calls at their deadline, and turns exceptions into rich statuses.

    An unexpected exception is logged with its traceback and answered with a fixed sentence.
    """

    def __init__(self, metrics: RpcMetrics, *, max_deadline_s: float) -> None:
        self._metrics = metrics
        self._max_deadline_s = max_deadline_s
        self._running: set[asyncio.Task[Any]] = set()

    async def ended(self, timeout_s: float) -> None:
        """Wait for the calls that a stopped server has cancelled; it does not, and prints whom the loop's end hits."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Wrap the handler of the called method; an unknown method stays unknown."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method

        def guard(context: Context) -> AbstractAsyncContextManager[None]:
            return self._guard(method, context, streaming=handler.request_streaming or handler.response_streaming)

        return _guarded(handler, guard)

    @asynccontextmanager
    async def _guard(self, method: str, context: Context, *, streaming: bool) -> AsyncIterator[None]:
        self._remember(asyncio.current_task())
        started = time.monotonic()
        request = new_context(_text_metadata(context), timeout_s=self._timeout_s(context, streaming=streaming))
        code, reason = grpc.StatusCode.UNKNOWN, None
        with served_call(method, request, streaming=streaming) as served:
            try:
                async with _answering(method, context), _deadline(request):
                    yield
                code = grpc.StatusCode.OK
            except asyncio.CancelledError:
                code, reason = grpc.StatusCode.CANCELLED, RequestCancelled.reason
                raise
            except grpc.aio.AbortError as abort:
                # It is raised while the error is handled that it says.
                code, reason = _code_of(context), getattr(abort.__context__, "reason", None)
                raise
            finally:
                tell_call(served, code.name, reason)
                self._metrics.ended(method, code.name, time.monotonic() - started)

    def _remember(self, task: "asyncio.Task[Any] | None") -> None:
        if task is not None and task not in self._running:
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _timeout_s(self, context: Context, *, streaming: bool) -> float | None:
        """The caller's deadline; unary calls have one even where the caller set none."""
        given = context.time_remaining()
        if streaming:
            return given
        return self._max_deadline_s if given is None else min(given, self._max_deadline_s)


@asynccontextmanager
async def _answering(method: str, context: Context) -> AsyncIterator[None]:
    """Answer an exception with a status, and log it under the ids of the request."""
    try:
        yield
    except FlawgateError as error:
        log.info("call failed", method=method, reason=error.reason, detail=error.message)
        await _abort(context, error)
    except asyncio.CancelledError:
        if method != HEALTH_WATCH:
            log.info("caller went away, or the service stops", method=method)
        raise
    except grpc.aio.AbortError:
        raise
    except Exception:
        log.exception("unexpected error", method=method)
        await _abort(context, InternalError(INTERNAL_SENTENCE, {"request_id": current_context().request_id}))


@asynccontextmanager
async def _deadline(request: RequestContext) -> AsyncIterator[None]:
    left = request.remaining_s()
    timer = asyncio.timeout(left)
    try:
        async with timer:
            yield
    except TimeoutError as err:
        if not timer.expired():
            raise
        raise DeadlineExceeded("The deadline passed before the work was done; allow more time or send less.") from err


async def _abort(context: Context, error: FlawgateError) -> None:
    status, served = to_status(error), current_context()
    status.details.add().Pack(RequestInfo(request_id=served.request_id, serving_data=served.trace_id))
    details = status.SerializeToString()
    await context.abort(GRPC_CODES[type(error)], error.message, ((STATUS_DETAILS_KEY, details),))


def _text_metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _code_of(context: Context) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN


def _guarded(handler: Handler, guard: Guard) -> Handler:
    """The same handler with `guard` around each call.

    On the wire a single request is a stream of one. It is served as that, so that the guard stands before the request
    is there: else whoever sends none would hold a place of the server for as long as the connection lasts.
    """
    behaviour = next(
        each
        for each in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
        if each is not None
    )
    take = _same if handler.request_streaming else _only
    read = handler.request_deserializer
    build, wrapped = (
        (grpc.stream_stream_rpc_method_handler, _streaming(behaviour, guard, take))
        if handler.response_streaming
        else (grpc.stream_unary_rpc_method_handler, _unary(behaviour, guard, take))
    )
    return build(
        wrapped,
        request_deserializer=read if read is None or handler.request_streaming else _deferring(read),
        response_serializer=handler.response_serializer,
    )


async def _same(requests: Any) -> Any:
    return requests


async def _only(requests: Any) -> Any:
    """The request of a call that has one.

    Raises:
        InvalidRequest: none comes, or none that can be read.
    """
    try:
        async with asyncio.timeout(REQUEST_S):
            async for request in requests:
                if isinstance(request, InvalidRequest):
                    raise request
                return request
    except TimeoutError as err:
        raise InvalidRequest(f"No request came within {REQUEST_S:g} s; send it with the call.") from err
    raise InvalidRequest("The call holds no request; send one.")


def _deferring(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Put an error in the place of a request that cannot be read, for `_only`: gRPC would say UNKNOWN."""

    def read_or_error(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return InvalidRequest("The request's bytes are no message of this method; send one by its proto.")

    return read_or_error


def _unary(behaviour: Any, guard: Guard, take: Take) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(requests: Any, context: Context) -> Any:
        async with guard(context):
            return await behaviour(await take(requests), context)

    return call


def _streaming(behaviour: Any, guard: Guard, take: Take) -> Callable[[Any, Context], Awaitable[None]]:
    """A handler that streams is an async generator, or a coroutine that writes to the context: both are served."""

    async def call(requests: Any, context: Context) -> None:
        async with guard(context):
            responses = behaviour(await take(requests), context)
            if inspect.isawaitable(responses):
                await responses
                return
            async for response in responses:
                await context.write(response)

    return call
