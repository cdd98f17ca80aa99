"""Whether this machine's clock can be trusted: moments stand in every record."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

import flawgate_cli
from flawgate_cli.doctor.scope import ASK_S, DOWN, Scope
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, skipped, warning

WATCH_S = 0.5
STEP_S = 0.05
"""The two clocks of a machine differ by microseconds in half a second, unless somebody sets one."""
LATE_S, WRONG_S = 2.0, 60.0
"""The header Date has whole seconds."""
SET = "Let the machine's time service (chrony, systemd-timesyncd) set the clock."


def checks(scope: Scope) -> Sequence[Check]:
    """Of this machine's clock."""
    asked = [Check("clocks", "NTP", lambda: [ntp()])] if scope.ntp else []
    return [
        Check("clocks", "this machine", lambda: [_steady()]),
        *asked,
        Check("clocks", "gateway", lambda: _gateway(scope)),
    ]


def ntp(program: str = "timedatectl") -> Finding:
    """Whether the system says that its clock follows NTP.

    Args:
        program: systemd's.
    """
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=True)  # noqa: S603  # no shell
    except (OSError, subprocess.SubprocessError):
        return skipped(f"{program} does not say whether the clock follows NTP; a container takes its host's clock.")
    if done.stdout.strip() == "yes":
        return ok("The clock follows NTP.")
    return warning("The clock does not follow NTP.", SET)


def compared(ours: datetime, theirs: datetime) -> Finding:
    """What this machine's time is against the gateway's.

    Args:
        ours: UTC, in the middle between question and answer.
        theirs: of its answer, whole seconds, UTC.
    """
    # What Date says is half a second early on average, since it is cut.
    apart = (ours - theirs).total_seconds() - 0.5
    if abs(apart) <= LATE_S:
        return ok("This machine and the gateway have the same time, to a second or two.")
    says = f"This machine's clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the gateway's."
    return error(says, SET) if abs(apart) > WRONG_S else warning(says, SET)


def _steady() -> Finding:
    wall, steady = time.time(), time.monotonic()
    time.sleep(WATCH_S)
    step = (time.time() - wall) - (time.monotonic() - steady)
    if abs(step) > STEP_S:
        return warning(f"The clock was set by {step:+.3f} s within {WATCH_S:g} s.", SET)
    installed = Path(flawgate_cli.__file__).stat().st_mtime
    if wall < installed:
        says = f"The clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, before this software was installed."
        return error(says, SET)
    return ok(f"The clock says {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC and runs steadily.")


def _gateway(scope: Scope) -> Iterator[Finding]:
    if not scope.running:
        yield skipped(DOWN)
        return
    try:
        with scope.client() as client:
            before = datetime.now(UTC)
            answer = client.get("/livez")
            middle = before + (datetime.now(UTC) - before) / 2
        yield compared(middle, parsedate_to_datetime(answer.headers["date"]))
    except (httpx.HTTPError, KeyError, ValueError):
        yield skipped("The gateway does not say its time (see gateway).")
