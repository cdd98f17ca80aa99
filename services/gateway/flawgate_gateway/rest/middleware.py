"""Around every HTTP request: its context, a log line, and an answer to what nobody expected."""

import asyncio
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flawgate_contracts.context import REQUEST_ID_KEY, bound, new_context
from flawgate_contracts.errors import FlawgateError, InternalError, Unavailable
from flawgate_contracts.interceptors import INTERNAL_SENTENCE
from flawgate_gateway.access.caller import Caller
from flawgate_gateway.rest.problems import problem_response

log = structlog.get_logger(__name__)

QUIET_PATHS = ("/livez", "/readyz")


class ContextMiddleware:
    """Binds the request's context, answers with its id, logs one line, and lets no exception out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        with bound(new_context(headers)) as context:
            answer = _Answer(send, context.request_id)
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
                _log_access(scope, answer.status, time.monotonic() - started)


class _Answer:
    """Passes a response on, with the request's id, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID_KEY.encode(), self._request_id.encode())]
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: FlawgateError) -> None:
        """Say the error, unless an answer has begun already."""
        if self.status is None:
            await problem_response(error, scope["path"])(scope, receive, self.send)


def _log_access(scope: Scope, status: int | None, seconds: float) -> None:
    write = log.debug if scope["path"] in QUIET_PATHS else log.info
    caller: Caller | None = scope.get("state", {}).get("caller")
    key = {} if caller is None else {"key": caller.id}
    write("request", method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 6), **key)
