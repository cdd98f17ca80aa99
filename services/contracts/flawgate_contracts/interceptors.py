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

from flawgate_contracts.context import RequestContext, bound, current_context, new_context
from flawgate_contracts.errors import DeadlineExceeded, FlawgateError, InternalError, InvalidRequest
from flawgate_contracts.grpc_errors import GRPC_CODES, STATUS_DETAILS_KEY, to_status
from flawgate_contracts.metrics import RpcMetrics

log = structlog.get_logger(__name__)

# grpc's classes take type arguments in their stubs only, not at run time: hence the quotes.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Guard = Callable[[Context], AbstractAsyncContextManager[None]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

INTERNAL_SENTENCE = "Something went wrong inside; the service's log says what, under this request id."


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Binds the request context, ends calls at their deadline, and turns exceptions into rich statuses.

    An unexpected exception is logged with its traceback and answered with a fixed sentence.
    """

    def __init__(self, metrics: RpcMetrics, *, max_deadline_s: float) -> None:
        self._metrics = metrics
        self._max_deadline_s = max_deadline_s

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
        started = time.monotonic()
        request = new_context(_text_metadata(context), timeout_s=self._timeout_s(context, streaming=streaming))
        code = grpc.StatusCode.UNKNOWN
        try:
            with bound(request):
                async with _answering(method, context), _deadline(request):
                    yield
            code = grpc.StatusCode.OK
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except grpc.aio.AbortError:
            code = _code_of(context)
            raise
        finally:
            self._metrics.requests.labels(method, code.name).inc()
            self._metrics.duration.labels(method).observe(time.monotonic() - started)

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
        log.info("caller went away", method=method)
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
    details = to_status(error).SerializeToString()
    await context.abort(GRPC_CODES[type(error)], error.message, ((STATUS_DETAILS_KEY, details),))


def _text_metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _code_of(context: Context) -> grpc.StatusCode:
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN


def _guarded(handler: Handler, guard: Guard) -> Handler:
    """The same handler with `guard` around each call."""
    kinds = {
        (False, False): (handler.unary_unary, grpc.unary_unary_rpc_method_handler),
        (False, True): (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
        (True, False): (handler.stream_unary, grpc.stream_unary_rpc_method_handler),
        (True, True): (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
    }
    behaviour, build = kinds[handler.request_streaming, handler.response_streaming]
    wrapped = _streaming(behaviour, guard) if handler.response_streaming else _unary(behaviour, guard)
    read = handler.request_deserializer
    return build(
        wrapped,
        request_deserializer=read if read is None or handler.request_streaming else _deferring(read),
        response_serializer=handler.response_serializer,
    )


def _deferring(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Put an error in the place of a request that cannot be read, for `_readable`: gRPC would say UNKNOWN."""

    def read_or_error(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return InvalidRequest("The request's bytes are no message of this method; send one by its proto.")

    return read_or_error


def _readable(request: Any) -> Any:
    if isinstance(request, InvalidRequest):
        raise request
    return request


def _unary(behaviour: Any, guard: Guard) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        async with guard(context):
            return await behaviour(_readable(request), context)

    return call


def _streaming(behaviour: Any, guard: Guard) -> Callable[[Any, Context], Awaitable[None]]:
    """A handler that streams is an async generator, or a coroutine that writes to the context: both are served."""

    async def call(request: Any, context: Context) -> None:
        async with guard(context):
            responses = behaviour(_readable(request), context)
            if inspect.isawaitable(responses):
                await responses
                return
            async for response in responses:
                await context.write(response)

    return call
