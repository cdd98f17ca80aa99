"""One line in the log for each HTTP request, or for some of them."""

import random
from collections.abc import Callable

import structlog
from starlette.types import Scope

from flawgate_gateway.access.caller import Caller
from flawgate_gateway.rest.spans import QUIET_PATHS

log = structlog.get_logger(__name__)

SLOW_S = 1.0
"""From so many seconds on a request is slow: the objective of latency."""
FAILED_FROM = 400
"""Statuses from here on say that the request failed."""


class AccessLog:
    """Tells of requests: of each one that failed or was slow, and of one in so many of the others."""

    def __init__(self, one_in: int, chance: Callable[[], float] = random.random) -> None:
        """A log.

        Args:
            one_in: of so many others one is told of, at least 1.
            chance: an even one, from 0 to 1.
        """
        self._one_in = one_in
        self._chance = chance

    def tell(self, scope: Scope, status: int | None, seconds: float) -> None:
        """Tell of a request, which took so many seconds.

        Args:
            scope: of ASGI, with the caller where the key was good.
            status: of the answer; None where the caller went away unanswered.
            seconds: from its arrival to the end of its answer.
        """
        told = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": round(seconds, 6)}
        if self._one_in > 1 and not _is_remarkable(status, seconds):
            if self._chance() * self._one_in >= 1:
                return
            told["sampled"] = self._one_in
        caller: Caller | None = scope.get("state", {}).get("caller")
        if caller is not None:
            told["key"] = caller.id
        if scope["path"] in QUIET_PATHS:
            log.debug("request", **told)
        else:
            log.info("request", **told)


def _is_remarkable(status: int | None, seconds: float) -> bool:
    return status is None or status >= FAILED_FROM or seconds >= SLOW_S
