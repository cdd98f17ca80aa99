"""`/metrics` of a service, read as Prometheus reads it."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

ACCEPT = {"accept": "text/plain;version=0.0.4"}

Sample = tuple[Mapping[str, str], float]
"""Labels and value."""


class Samples:
    """What one `/metrics` said at one moment.

    Args:
        by_name: samples by the name of their series, e.g. `flawgate_inspections_total`.
    """

    def __init__(self, by_name: Mapping[str, Sequence[Sample]]) -> None:
        self._by_name = by_name

    def of(self, name: str, **labels: str) -> list[Sample]:
        """The samples of a name that have these labels, among others; none where it is not exposed."""
        return [each for each in self._by_name.get(name, ()) if labels.items() <= each[0].items()]

    def value(self, name: str, **labels: str) -> float | None:
        """Their sum; None where there is none, or nobody knows it (NaN)."""
        found = [value for _, value in self.of(name, **labels)]
        return None if not found or math.isnan(sum(found)) else sum(found)

    def label_values(self, name: str, label: str) -> list[str]:
        """The values that a label has, sorted."""
        return sorted({labels[label] for labels, _ in self.of(name) if label in labels})


def parse(text: str, wanted: Collection[str] = ()) -> Samples:
    """The samples of an exposition in Prometheus' text format.

    Args:
        text: of `/metrics`.
        wanted: beginnings of the names that are kept; all where there are none.

    Raises:
        ValueError: it is no such text.
    """
    by_name: dict[str, list[Sample]] = defaultdict(list)
    prefixes = tuple(wanted)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not prefixes or sample.name.startswith(prefixes):
                for name in _names(family.type, family.name, sample.name):
                    by_name[name].append((sample.labels, sample.value))
    return Samples(by_name)


def _names(kind: str, family: str, sample: str) -> tuple[str, ...]:
    """The parser adds `_total` to every counter; Triton's have none, so a counter is found by both names."""
    return (sample, family) if kind == "counter" and sample == f"{family}_total" else (sample,)


class NoMetrics(Exception):  # noqa: N818  # what became of the question; nothing went wrong here
    """A service does not answer with metrics; the message says what it does instead, without a subject."""


def scrape(client: httpx.Client, url: str, wanted: Collection[str] = ()) -> Samples:
    """Ask a service.

    Args:
        client: bounds the time of an answer.
        url: of its `/metrics`.
        wanted: see `parse`.

    Raises:
        NoMetrics: it does not answer, or with something else.
    """
    try:
        return parse(client.get(url, headers=ACCEPT).raise_for_status().text, wanted)
    except httpx.HTTPStatusError as err:
        raise NoMetrics(f"answers with status {err.response.status_code}") from err
    except httpx.TimeoutException as err:
        raise NoMetrics("does not answer in time") from err
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise NoMetrics("does not answer") from err
    except ValueError as err:
        raise NoMetrics("answers, but not with metrics") from err
