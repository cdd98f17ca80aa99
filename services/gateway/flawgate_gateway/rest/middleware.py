"""Around every HTTP request: its context, a log line, and an answer to what nobody expected."""

import asyncio
import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flawgate_contracts.context import REQUEST_ID_KEY, new_context
from flawgate_contracts.errors import FlawgateError, InternalError, Unavailable
from flawgate_contracts.interceptors import INTERNAL_SENTENCE
from flawgate_gateway.rest.access_log import AccessLog
from flawgate_gateway.rest.counting import RequestCounter
from flawgate_gateway.rest.problems import problem_response
from flawgate_gateway.rest.spans import served_request, tell_request

CLOSE = (b"connection", b"close")

log = structlog.get_logger(__name__)


class ContextMiddleware:
    """Binds the request's context, answers with its id, tells trace, log and metrics, and lets no exception out."""

    def __init__(
        self, app: ASGIApp, access_log: AccessLog, counter: RequestCounter, stopping: Callable[[], bool]
    ) -> None:
        self._app = app
        self._access_log = access_log
        self._counter = counter
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        with served_request(scope, new_context(headers)) as served:
            answer = _Answer(send, served.context.request_id, self._stopping)
            started = time.monotonic()
            try:
                await self._app(scope, receive, answer.send)
            except asyncio.CancelledError:
                # Only a server that stops and has waited long enough cancels a request: this is its outermost frame.
                await answer.refuse(scope, receive, Unavailable("The gateway is stopping; send the request again."))
            except Exception:
                log.exception("unexpected error", method=scope["method"], path=scope["path"])
                await answer.refuse(scope, receive, InternalError(INTERNAL_SENTENCE))
            finally:
                tell_request(served, scope, answer.status)
                seconds = time.monotonic() - started
                self._access_log.tell(scope, answer.status, seconds)
                self._counter.ended(scope, answer.status, seconds)


class _Answer:
    """Passes a response on, with the request's id, and remembers its status.

    A gateway that stops closes each connection with the answer, while others can still be made: a caller that keeps
    one would else send its next request just as it is closed.
    """

    def __init__(self, send: Send, request_id: str, stopping: Callable[[], bool]) -> None:
        self._send = send
        self._request_id = request_id
        self._stopping = stopping
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            added = [(REQUEST_ID_KEY.encode(), self._request_id.encode()), *((CLOSE,) if self._stopping() else ())]
            message["headers"] = [*message.get("headers", ()), *added]
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: FlawgateError) -> None:
        """Say the error, unless an answer has begun already."""
        if self.status is None:
            await problem_response(error, scope["path"])(scope, receive, self.send)
