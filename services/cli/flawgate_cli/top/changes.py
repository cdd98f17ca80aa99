"""What happened between two looks: increases of counters, over restarts too, and distributions of times."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flawgate_cli.scraping import Samples
from flawgate_cli.top.polling import Look

START = "process_start_time_seconds"

Series = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Observations between two looks, by bucket.

    Attributes:
        edges: upper ones, ascending, the last infinite.
        counts: observations up to each edge, ascending.
    """

    edges: Sequence[float] = ()
    counts: Sequence[float] = ()

    @property
    def total(self) -> float:
        """How many observations."""
        return self.counts[-1] if self.counts else 0.0

    def quantile(self, share: float) -> float | None:
        """Below which this share lies, interpolated as Prometheus' histogram_quantile does; None without observations.

        Args:
            share: 0 to 1.

        Returns:
            Infinite where it lies beyond the last finite edge.
        """
        if self.total <= 0:
            return None
        rank = share * self.total
        index = next(index for index, count in enumerate(self.counts) if count >= rank and count > 0)
        low, below = (self.edges[index - 1], self.counts[index - 1]) if index else (0.0, 0.0)
        high, within = self.edges[index], self.counts[index] - below
        return high if math.isinf(high) or within <= 0 else low + (high - low) * (rank - below) / within


class Change:
    """One service between two looks.

    Args:
        before: None: it was not asked, or did not answer; nothing is known of the time between then.
        now: its samples.
        seconds: between the two.
    """

    def __init__(self, before: Samples | None, now: Samples, seconds: float) -> None:
        self.now = now
        self._seconds = seconds
        self._before = None if before is None else Samples({}) if _restarted(before, now) else before

    def increase(self, name: str, **labels: str) -> float | None:
        """How much a counter grew, all its series together; None where nobody knows.

        A series that was not there before began at 0, and so did one that is smaller now.
        """
        found = self.now.of(name, **labels)
        if self._before is None or not found:
            return None
        earlier = _by_series(self._before, name, labels)
        return sum(_grown(earlier.get(frozenset(labels.items()), 0.0), value) for labels, value in found)

    def rate(self, name: str, **labels: str) -> float | None:
        """The same by the second."""
        grown = self.increase(name, **labels)
        return None if grown is None or self._seconds <= 0 else grown / self._seconds

    def distribution(self, name: str, **labels: str) -> Distribution:
        """What a histogram observed, all its series together.

        Args:
            name: without `_bucket`.
            labels: that the series have, among others.
        """
        if self._before is None:
            return Distribution()
        now = _buckets(self.now, name, labels)
        before = _buckets(self._before, name, labels)
        if any(before.get(edge, 0.0) > count for edge, count in now.items()):
            before = {}
        edges = sorted(now)
        return Distribution(edges, [now[edge] - before.get(edge, 0.0) for edge in edges])

    def mean(self, total: str, count: str, **labels: str) -> float | None:
        """The increase of a sum by that of a count; None without any."""
        summed, counted = self.increase(total, **labels), self.increase(count, **labels)
        return summed / counted if summed is not None and counted else None


def changes(before: Look | None, now: Look) -> Iterator[tuple[str, Change | str]]:
    """Each service between two looks; for one that does not answer, what it does instead."""
    for name, samples in now.services.items():
        if isinstance(samples, str):
            yield name, samples
            continue
        earlier = None if before is None else before.services.get(name)
        known = earlier if isinstance(earlier, Samples) else None
        yield name, Change(known, samples, 0.0 if before is None else now.at - before.at)


def _restarted(before: Samples, now: Samples) -> bool:
    started, starts = before.value(START), now.value(START)
    return started is not None and starts is not None and started != starts


def _grown(before: float, now: float) -> float:
    return now - before if now >= before else now


def _by_series(samples: Samples, name: str, labels: Mapping[str, str]) -> dict[Series, float]:
    return {frozenset(found.items()): value for found, value in samples.of(name, **labels)}


def _buckets(samples: Samples, name: str, labels: Mapping[str, str]) -> dict[float, float]:
    return _summed((float(found["le"]), count) for found, count in samples.of(f"{name}_bucket", **labels))


def _summed(buckets: Iterable[tuple[float, float]]) -> dict[float, float]:
    summed: dict[float, float] = {}
    for edge, count in buckets:
        summed[edge] = summed.get(edge, 0.0) + count
    return summed
