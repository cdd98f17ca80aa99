"""The lock of the REST door: a key for every request but a few, a scope for every route."""

from typing import Annotated, Any

import structlog
from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from flawgate_contracts.errors import FlawgateError, Unauthenticated
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.access.gate import Gate
from flawgate_gateway.access.rates import Quota
from flawgate_gateway.rest.problems import problem_response

OPEN_PATHS = ("/livez", "/readyz", "/problems", "/schemas", "/docs", "/openapi.json")
OPEN_FOLDERS = ("/problems/", "/schemas/", "/docs/", "/static-offline-docs/")
"""What anybody may read: health for probes, and what the API and the events mean."""


def requires(scope: Scope) -> Any:
    """A FastAPI dependency: the caller, who has a scope.

    `caller: Annotated[Caller, requires(Scope.READ)]`, or `caller: ReadCaller`, which is the same, in a route;
    `dependencies=[requires(Scope.READ)]` of a router. The key itself was checked by `AccessMiddleware` before, and
    before a byte of the body was read.

    Raises:
        PermissionDenied: (when called) the caller's key has not that scope.
    """
    return Security(_Requirement(scope), scopes=[scope.value])


class _Requirement(SecurityBase):
    """Checks a scope, and stands in OpenAPI as a key that is needed."""

    scheme_name = "ApiKey"
    model = HTTPBearer(
        bearerFormat="fg_<id>_<secret>", description="An API key, made by `flawgate keys create` or `POST /v1/keys`."
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def __call__(self, request: Request) -> Caller:
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise Unauthenticated("This path is served to holders of an API key alone, and none was looked at.")
        gate: Gate = request.state.gate
        gate.permit(caller, self._scope)
        return caller


InspectCaller = Annotated[Caller, requires(Scope.INSPECT)]
ReadCaller = Annotated[Caller, requires(Scope.READ)]
ReviewCaller = Annotated[Caller, requires(Scope.REVIEW)]
PolicyCaller = Annotated[Caller, requires(Scope.POLICY)]
AdminCaller = Annotated[Caller, requires(Scope.ADMIN)]
"""Types of a route's parameter: whoever calls, with that scope."""


class AccessMiddleware:
    """Lets no request in without a key, but for the open paths; says what the key's rate leaves."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            admitted = await self._gate.admit(_authorizations(scope))
        except FlawgateError as error:
            await problem_response(error, scope["path"])(scope, receive, send)
            return
        # The access log, further out, finds the caller here too.
        scope["state"] = {**scope.get("state", {}), "gate": self._gate, "caller": admitted.caller}
        with structlog.contextvars.bound_contextvars(key=admitted.caller.id):
            await self._app(scope, receive, send if admitted.quota is None else _with_quota(send, admitted.quota))


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _authorizations(scope: Connection) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]


def _with_quota(send: Send, quota: Quota) -> Send:
    """Say what is left in the headers of draft-ietf-httpapi-ratelimit-headers-10."""
    headers = [
        (b"ratelimit-policy", f'"key";q={quota.limit};w={quota.window_s}'.encode()),
        (b"ratelimit", f'"key";r={quota.left};t={quota.full_after_s}'.encode()),
    ]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return send_with_headers
