"""Faults of a line as they happen: caused, told of by Prometheus, healed."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from support.alert_log import AlertLog
from support.line_faults import Fault
from support.monitored import Line

MINUTE_S = 1.5
"""Of a minute of the rules, here."""
PATIENCE = 3
"""The table's times are those of a machine that does nothing else; other tests run beside these."""
QUIET_S = 90.0
"""Longest wait for the alerts that an earlier fault left behind."""
PAGE, TICKET = "page", "ticket"
"""How loud an alert is: somebody must get up; by tomorrow."""


@dataclass(frozen=True)
class Case:
    """A row of the table.

    Attributes:
        fault: what goes wrong.
        cause: makes it so, and puts it right.
        alert: its name.
        severity: of it.
        fires: within so many minutes of the rules.
        heals: within so many after the fault is healed; None where that is not seen here.
        labels: further ones of the alert.
    """

    fault: str
    cause: Fault = field(repr=False)
    alert: str
    severity: str
    fires: float
    heals: float | None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def fires_s(self) -> float:
        """Within so many seconds here."""
        return self.fires * MINUTE_S * PATIENCE

    @property
    def heals_s(self) -> float | None:
        """Within so many seconds here."""
        return None if self.heals is None else self.heals * MINUTE_S * PATIENCE

    @property
    def selector(self) -> Mapping[str, str]:
        """Labels by which the alert is told from others."""
        return {"alertname": self.alert, "severity": self.severity, **self.labels}


@dataclass(frozen=True, slots=True)
class Told:
    """What Prometheus told of a case.

    Attributes:
        before: whether the alert fired before the fault was there.
        fired: seconds from the fault to the alert; None: none came.
        resolved: seconds from the end of the fault to that of the alert; None: it has not ended.
    """

    before: bool
    fired: float | None
    resolved: float | None


@dataclass(frozen=True, slots=True)
class Lasted:
    """How long a fault was there, on the monotonic clock, in seconds."""

    caused: float
    healed: float


class Story:
    """Faults as they happened, and what Prometheus said."""

    def __init__(self, log: AlertLog) -> None:
        self._log = log
        self._lasted: dict[Case, Lasted] = {}

    def told(self, case: Case) -> Told:
        """Of a case that was played."""
        lasted, log = self._lasted[case], self._log
        fired, resolved = log.first(case.selector, lasted.caused), log.first_without(case.selector, lasted.healed)
        return Told(
            log.fires_at(case.selector, lasted.caused),
            None if fired is None or fired > lasted.healed else fired - lasted.caused,
            None if resolved is None else resolved - lasted.healed,
        )

    def play(self, line: Line, together: tuple[Case, ...]) -> None:
        """Cause faults, wait for their alerts no longer than they may take, heal the faults.

        They wait until no alert of theirs fires, as one may that an earlier fault, or its traces, set off.
        """
        wait_for(lambda: not self._firing(together), time.monotonic() + QUIET_S)
        caused: dict[Fault, float] = {}
        with ExitStack() as stack:
            for cause in {case.cause: None for case in together}:
                caused[cause] = time.monotonic()
                stack.enter_context(cause(line))
            last = max(caused[case.cause] + case.fires_s for case in together)
            wait_for(lambda: all(self._log.first(case.selector, caused[case.cause]) for case in together), last)
        healed = time.monotonic()
        self._lasted |= {case: Lasted(caused[case.cause], healed) for case in together}
        line.cluster.wait_until_ready()

    def _firing(self, together: tuple[Case, ...]) -> bool:
        now = time.monotonic()
        return any(self._log.fires_at(case.selector, now) for case in together)

    def end(self) -> None:
        """Wait until all alerts have resolved, but no longer than that may take."""
        ends = {case: lasted.healed + case.heals_s for case, lasted in self._lasted.items() if case.heals_s is not None}
        wait_for(lambda: all(self.told(case).resolved is not None for case in ends), max(ends.values()))


def wait_for(holds: Callable[[], bool], until: float) -> None:
    """Wait until something holds, or until a moment on the monotonic clock."""
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)


def played(line: Line, log: AlertLog, faults: Sequence[tuple[Case, ...]]) -> Story:
    """Faults, those of one tuple at once, and the end of them all."""
    story = Story(log)
    for together in faults:
        story.play(line, together)
    story.end()
    return story
