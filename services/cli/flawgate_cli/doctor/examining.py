"""Checks, run side by side: each has its own time, and whatever happens to one stays its own."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flawgate_cli.doctor.secrets import without_secrets
from flawgate_contracts.checkup.findings import Check, Finding, error
from flawgate_contracts.errors import FlawgateError


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and whose it is.

    Attributes:
        area: of the check.
        check: its name.
        finding: what it found.
        seconds: that the check took so far.
    """

    area: str
    check: str
    finding: Finding
    seconds: float


@dataclass
class _Running:
    check: Check
    found: list[Found] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    def note(self, finding: Finding) -> None:
        """One more finding."""
        told = replace(finding, says=without_secrets(finding.says), advice=without_secrets(finding.advice))
        seconds = time.monotonic() - self.began
        self.found.append(Found(self.check.area, self.check.name, told, round(seconds, 3)))


class Examination:
    """All checks of one run.

    Args:
        checks: in any order.
        areas: the order of those that are known; others follow.
    """

    def __init__(self, checks: Sequence[Check], areas: Sequence[str] = ()) -> None:
        areas = list(dict.fromkeys((*areas, *(check.area for check in checks))))
        ordered = sorted(checks, key=lambda check: areas.index(check.area))
        self._running = [_Running(check) for check in ordered]

    def run(self) -> list[Found]:
        """Run all checks; takes no longer than the longest limit. What a check found before its limit counts."""
        for each in self._running:
            each.began = time.monotonic()
            # A thread that hangs must not keep the command from ending.
            threading.Thread(target=_carry_out, args=(each,), daemon=True).start()
        return [found for each in self._running for found in _outcome(each)]

    def waiting(self) -> list[str]:
        """Names of the checks that are not done yet."""
        return [f"{each.check.area}: {each.check.name}" for each in self._running if not each.done.is_set()]


def _carry_out(running: _Running) -> None:
    try:
        for finding in running.check.look():
            running.note(finding)
    except FlawgateError as err:
        running.note(error(err.message, "Do what the sentence says, then ask again."))
    except Exception as err:  # noqa: BLE001  # a check that crashes is a finding of its own
        # What the exception says may hold a URL with its password.
        says = f"The check itself failed ({type(err).__name__})."
        running.note(error(says, "Report it with the output of `flawgate doctor --json`; the other checks hold."))
    finally:
        running.done.set()


def _outcome(running: _Running) -> list[Found]:
    limit_s = running.check.timeout_s
    in_time = running.done.wait(max(0.0, running.began + limit_s - time.monotonic()))
    found = list(running.found)
    if not in_time:
        says = f"The check took longer than {limit_s:g} s."
        late = error(says, "Something that it asks hangs: a disk, a name server, or the service itself.")
        found.append(Found(running.check.area, running.check.name, late, limit_s))
    return found
