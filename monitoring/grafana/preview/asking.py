"""What the panels of a board ask of Prometheus."""

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

SCRAPE_INTERVAL_S = 5.0
POINTS = 240
"""Of a series, across a panel."""


@dataclass(frozen=True)
class Span:
    """The time that a board shows, in seconds since 1970."""

    start: float
    end: float

    @property
    def step_s(self) -> float:
        """Between two points."""
        return max((self.end - self.start) / POINTS, 1.0)

    @classmethod
    def last(cls, seconds: float) -> "Span":
        """Until now."""
        now = time.time()
        return cls(now - seconds, now)


@dataclass(frozen=True)
class Series:
    """One series of an answer: its name in the legend, its labels, and (seconds since 1970, value) in order."""

    name: str
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


def filled_in(expression: str, span: Span, scrape_s: float = SCRAPE_INTERVAL_S) -> str:
    """An expression with Grafana's variables replaced: every choice is "All"."""
    rate_s = max(span.step_s + scrape_s, 4 * scrape_s)
    intervals = {"$__rate_interval": rate_s, "$__range": span.end - span.start}
    for name, seconds in intervals.items():
        expression = expression.replace(name, f"{1000 * seconds:.0f}ms")
    return re.sub(r"\$\w+", ".*", expression)


def named(legend: str, labels: Mapping[str, str]) -> str:
    """The name of a series: a legend with `{{label}}` replaced."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), legend) or "value"


class Prometheus:
    """What can be asked."""

    def __init__(self, url: str, scrape_s: float = SCRAPE_INTERVAL_S) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._scrape_s = scrape_s

    def series(self, target: Mapping[str, Any], span: Span) -> list[Series]:
        """What one target of a panel comes to, but for series that are NaN all the time; one point where it is instant.

        Raises:
            httpx.HTTPStatusError: Prometheus refuses the expression.
        """
        expression = filled_in(target["expr"], span, self._scrape_s)
        times = {"time": span.end} if target["instant"] else {"start": span.start, "end": span.end, "step": span.step_s}
        path = "query" if target["instant"] else "query_range"
        answer = self._http.post(f"/api/v1/{path}", data={"query": expression, **times})
        answer.raise_for_status()
        found = [
            Series(named(target["legendFormat"], each["metric"]), each["metric"], _points(each))
            for each in answer.json()["data"]["result"]
        ]
        return [series for series in found if not all(math.isnan(value) for _, value in series.points)]


def _points(series: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(float(at), float(value)) for at, value in series.get("values") or [series["value"]]]
