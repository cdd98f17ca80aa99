"""The door of the Open Inference Protocol. What it does not name does not reach Triton."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.access.caller import Scope as KeyScope
from flawgate_gateway.access.gate import Gate
from flawgate_gateway.oip.errors import error_response, refusal
from flawgate_gateway.oip.models import PREFIX, model_routes
from flawgate_gateway.oip.triton import TritonHttp

NOT_IMPLEMENTED = 501


class OpenInferenceMiddleware:
    """Takes what is asked for under `/v2`, and passes all else on to the app.

    It stands before the app, not in it, so that every error under `/v2` has that protocol's shape, also one about a
    path that is not there. The key is asked for first, whatever the path.
    """

    def __init__(self, app: ASGIApp, triton: TritonHttp | None, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._door: ASGIApp = Router(model_routes(triton), redirect_slashes=False) if triton else _closed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        path = scope.get("path", "")
        if scope["type"] == "http" and (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self._serve(scope, receive, _Answer(send))
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            admitted = await self._gate.admit(Headers(scope=scope).getlist("authorization"))
            self._gate.permit(admitted.caller, KeyScope.INSPECT)
            await self._door(scope, receive, answer.send)
        except FlawgateError as error:
            await answer.refuse(refusal(error, scope["path"]), scope, receive)
        except HTTPException as error:
            await answer.refuse(_no_such_path(error, scope), scope, receive)


class _Answer:
    """Passes a response on, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        self._begun = True
        await self._send(message)

    async def refuse(self, response: Response, scope: Scope, receive: Receive) -> None:
        """Say an error; where an answer has begun it is left without its end, which the caller's HTTP notices."""
        if not self._begun:
            await response(scope, receive, self.send)


def _no_such_path(error: HTTPException, scope: Scope) -> Response:
    return error_response(
        error.status_code,
        f"{scope['method']} {scope['path'][:200]}: {error.detail}. "
        "Health, metadata, readiness and inference of Triton's models are passed on, and nothing else.",
    )


def _closed() -> Response:
    return error_response(
        NOT_IMPLEMENTED,
        "No Triton stands behind this gateway (GATEWAY_TRITON_HTTP_URL is empty), so its models cannot be asked for; "
        "inspect frames at /v1/inspections.",
    )
