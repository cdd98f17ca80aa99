from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog

from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.rest.access_log import AccessLog

Lines = list[MutableMapping[str, Any]]
CALLER = Caller("k3v9x0q2m7ap", "mes", frozenset({Scope.INSPECT}))


def told(log: AccessLog, status: int | None, seconds: float, path: str = "/v1/inspections") -> Lines:
    """The lines about one request."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"part=secret",
        "state": {"caller": CALLER},
    }
    with structlog.testing.capture_logs() as lines:
        log.tell(scope, status, seconds)
    return lines


LINE = {
    "event": "request",
    "log_level": "info",
    "method": "POST",
    "path": "/v1/inspections",
    "status": 201,
    "seconds": 0.25,
    "key": "k3v9x0q2m7ap",
}


def test_a_line_tells_of_a_request() -> None:
    """Its path without the query, its caller by the key's id; and it stands for itself alone."""
    assert told(AccessLog(1), 201, 0.25) == [LINE]


@pytest.mark.parametrize(("chance", "expected"), [(0.0, [{**LINE, "sampled": 100}]), (0.0101, []), (0.99, [])])
def test_of_requests_that_went_well_one_in_so_many_is_told(chance: float, expected: list[dict[str, Any]]) -> None:
    """And says of how many."""
    assert told(AccessLog(100, chance=lambda: chance), 201, 0.25) == expected


@pytest.mark.parametrize(("status", "seconds"), [(404, 0.1), (503, 0.1), (None, 0.1), (201, 1.0)])
def test_each_one_that_failed_or_was_slow_is_told(status: int | None, seconds: float) -> None:
    """Whatever chance says, and without a word of sampling."""
    (line,) = told(AccessLog(1000, chance=lambda: 0.999), status, seconds)
    assert (line["status"], line["seconds"], "sampled" in line) == (status, seconds, False)


def test_sampling_is_unbiased() -> None:
    """The lines times their `sampled` are the requests."""
    steps: Iterator[float] = iter(index / 1000 for index in range(1000))
    log = AccessLog(10, chance=lambda: next(steps))
    lines = [line for _ in range(1000) for line in told(log, 201, 0.1)]
    assert sum(line["sampled"] for line in lines) == 1000


def test_probes_fill_no_log(gateway: httpx.Client, logs: Lines) -> None:
    """They come every few seconds, at the level debug."""
    gateway.get("/readyz")
    gateway.get("/v1/recipes")
    gateway.get("/v1/recipes")  # a line is written after its answer, but before the next one's on that connection
    levels = [(line["path"], line["log_level"]) for line in logs if line["event"] == "request"]
    assert levels[:2] == [("/readyz", "debug"), ("/v1/recipes", "info")]
