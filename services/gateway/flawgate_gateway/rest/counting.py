"""Counting HTTP requests: by the template of their path, whatever paths and methods callers make up."""

from functools import cache

from prometheus_client import Counter, Histogram
from starlette.types import Scope

from flawgate_contracts.http_errors import CLIENT_CLOSED_REQUEST
from flawgate_contracts.metrics.gateway import HttpMetrics
from flawgate_contracts.metrics.labels import OTHER

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""All others are one."""
UNTEMPLATED = frozenset(("/docs", "/openapi.json"))
"""Paths of the framework's own."""
FAILURES = (500, 503)
"""Counted from 0 on, once a route is asked for: how often they come is what alarms look at."""


class RequestCounter:
    """Counts requests when they have ended.

    A path that no route has, and a request that was refused before its route was looked for, is of the route `other`.
    """

    def __init__(self, metrics: HttpMetrics) -> None:
        self._requests = metrics.requests
        self._duration = metrics.duration
        self._counted = cache(self._requests_of)
        self._timed = cache(self._duration_of)

    def ended(self, scope: Scope, status: int | None, seconds: float) -> None:
        """A request has ended.

        Args:
            scope: of its connection (ASGI), as the app has left it.
            status: answered; None: the caller went away before.
            seconds: from its arrival to the end of its answer.
        """
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = _route_of(scope)
        self._timed(method, route).observe(seconds)
        self._counted(method, route, status or CLIENT_CLOSED_REQUEST).inc()

    def _requests_of(self, method: str, route: str, status: int) -> Counter:
        return self._requests.labels(method, route, status)

    def _duration_of(self, method: str, route: str) -> Histogram:
        for status in FAILURES:
            self._requests.labels(method, route, status)
        return self._duration.labels(method, route)


def _route_of(scope: Scope) -> str:
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return scope["path"] if scope["path"] in UNTEMPLATED else OTHER
