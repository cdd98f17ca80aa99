"""Spans of HTTP requests, by OpenTelemetry's semantic conventions for HTTP."""

from starlette.types import Scope

from flawgate_contracts.context import RequestContext
from flawgate_contracts.http_errors import CLIENT_CLOSED_REQUEST
from flawgate_contracts.tracing import Served
from flawgate_gateway.rest.counting import METHODS

QUIET_PATHS = ("/livez", "/readyz")
"""Asked for every few seconds by whoever watches: neither worth a span nor a line in the log."""
OTHER_METHOD = "_OTHER"
FAULTS_FROM = 500
"""Statuses from here on are the service's fault."""


def served_request(scope: Scope, context: RequestContext) -> Served:
    """A request being served; its route is not known yet.

    Args:
        scope: of ASGI.
        context: as its headers tell.
    """
    method = _method(scope)
    return Served(context, method, {"http.request.method": method}, traced=scope["path"] not in QUIET_PATHS)


def tell_request(served: Served, scope: Scope, status: int | None) -> None:
    """Say how a request ended.

    Args:
        served: the request.
        scope: of ASGI, with the route that was found.
        status: of the answer; None where there was nobody to answer any more.
    """
    attributes: dict[str, str | int] = {"http.response.status_code": status or CLIENT_CLOSED_REQUEST}
    if status is not None and status >= FAULTS_FROM:
        attributes["error.type"] = str(status)
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        attributes["http.route"] = route
    name = None if route is None else f"{_method(scope)} {route}"
    served.answered(attributes, name=name, failed="error.type" in attributes)


def _method(scope: Scope) -> str:
    return str(scope["method"]) if scope["method"] in METHODS else OTHER_METHOD
