"""What fired when: a thread asks Prometheus again and again."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from support.prometheus import Prometheus

EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """What fired at one moment.

    Attributes:
        at: on the monotonic clock, in seconds.
        alerts: their labels.
    """

    at: float
    alerts: list[Mapping[str, str]]

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels, and perhaps more, fires."""
        return any(labels.items() <= alert.items() for alert in self.alerts)


class AlertLog:
    """All looks, the oldest first."""

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def fires_at(self, labels: Mapping[str, str], moment: float) -> bool:
        """Whether an alert with these labels, and perhaps more, fired at the last look before a moment."""
        before = [look for look in self.looks if look.at < moment]
        return bool(before) and before[-1].has(labels)

    def first(self, labels: Mapping[str, str], since: float) -> float | None:
        """When such an alert fired for the first time since a moment; None where it has not."""
        return next((look.at for look in self.looks if look.at >= since and look.has(labels)), None)

    def first_without(self, labels: Mapping[str, str], since: float) -> float | None:
        """When it first did not fire since a moment; None where it has fired ever since."""
        return next((look.at for look in self.looks if look.at >= since and not look.has(labels)), None)

    def names(self, since: float) -> set[str]:
        """All alerts that fired at any moment since one."""
        return {alert["alertname"] for look in self.looks if look.at >= since for alert in look.alerts}


@contextmanager
def alert_log(prometheus: Prometheus) -> Iterator[AlertLog]:
    """A log that is written for the length of the block."""
    log, stop = AlertLog(), threading.Event()

    def write() -> None:
        while not stop.wait(EVERY_S):
            began = time.monotonic()
            log.looks.append(Look(began, prometheus.firing()))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield log
    finally:
        stop.set()
        thread.join()
