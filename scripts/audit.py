"""Fails where a locked package has a known vulnerability that nobody accepted: `python scripts/audit.py`.

Both locks are held against the advisories of the service that pip-audit asks. First, though, a package whose
vulnerability all of them know: where it is not found, nobody answers who keeps advisories (no network, a mirror without
them), and the audit is skipped, which is said. What was accepted stands in osv-scanner.toml and is looked at in any
case: a date that is past fails without a network, too.
"""

# ruff: noqa: INP001, T201 - a script, run by its path, that prints

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("uv.lock", "services/triton/uv.lock")
ACCEPTED = "osv-scanner.toml"

CONTROL = ("idna", "3.6", "CVE-2024-3651")
"""A package whose vulnerability every service of advisories knows: name, version, vulnerability."""

CONTROL_LIMIT_S = 4.0
PIP_AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format=json", "--desc=off"),
    *("--aliases=on", "--progress-spinner=off", "--timeout=3"),
)

Package = tuple[str, str]
"""Name and version."""


class Skipped(Exception):  # noqa: N818  # no error of ours
    """Nobody answers who knows advisories; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a locked package."""

    package: Package
    ids: frozenset[str]
    fixed_in: tuple[str, ...]

    def sentence(self) -> str:
        """What is wrong, and what to do."""
        name, version = self.package
        known = ", ".join(sorted(self.ids))
        if not self.fixed_in:
            return f"{name} {version} has {known}, which no version mends: do without it, or accept it in {ACCEPTED}."
        return f"{name} {version} has {known}: run `uv lock --upgrade-package {name}` (mended in {self.fixed_in[0]})."


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vulnerability that somebody accepted until a day."""

    id: str
    until: date
    reason: str


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, pip_audit: Sequence[str] = PIP_AUDIT) -> int:
    """Audit the locks.

    Args:
        arguments: of the command line.
        root: folder of the locks, and of what was accepted.
        pip_audit: command that asks for advisories, without the files of requirements.

    Returns:
        1 where something is wrong, else 0, also where the audit was skipped.
    """
    options = _options(arguments)
    accepted = read_accepted((root / ACCEPTED).read_text("utf-8"))
    faults = overdue(accepted, datetime.now(UTC).date())
    try:
        packages = set().union(*(locked((root / lock).read_text("utf-8")) for lock in LOCKS))
        found, unknown = audited(packages, options.limit, pip_audit)
    except Skipped as skipped:
        print(f"audit skipped: {skipped}")
        faults += ["The audit is required, and was skipped."] if options.required else []
    else:
        faults += unaccepted(found, accepted)
        print(f"audit: {len(packages) - len(unknown)} packages, {len(found)} with known vulnerabilities")
        if unknown:
            print(f"audit: unknown to the advisories: {', '.join(unknown)}")
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="audit", description="Look for known vulnerabilities of locked packages.")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="longest time, s (default: 120)")
    parser.add_argument("--required", action="store_true", help="an audit that has to be skipped is a failure")
    return parser.parse_args(arguments)


def locked(lock: str) -> set[Package]:
    """The packages of an index that a uv.lock names, for any platform; of a version its public part."""
    return {
        (package["name"], package["version"].partition("+")[0])
        for package in tomllib.loads(lock)["package"]
        if "registry" in package["source"]
    }


def read_accepted(text: str) -> list[Accepted]:
    """The entries of osv-scanner.toml; each has all three."""
    entries = tomllib.loads(text).get("IgnoredVulns", [])
    return [Accepted(entry["id"], entry["ignoreUntil"], entry["reason"]) for entry in entries]


def overdue(accepted: Iterable[Accepted], today: date) -> list[str]:
    """A sentence for each whose day is past."""
    return [
        f"{each.id} was accepted until {each.until} ({each.reason}): look at it again, and set a new day or mend it."
        for each in accepted
        if each.until < today
    ]


def unaccepted(found: Iterable[Finding], accepted: Sequence[Accepted]) -> list[str]:
    """A sentence for each finding that nobody accepted, and for each that is accepted and found no more."""
    findings = list(found)
    known = {each.id for each in accepted}
    gone = known - {name for finding in findings for name in finding.ids}
    return [
        *(finding.sentence() for finding in findings if not finding.ids & known),
        *(f"{name} is accepted in {ACCEPTED}, and found no more: take it out." for name in sorted(gone)),
    ]


def audited(packages: set[Package], limit_s: float, pip_audit: Sequence[str]) -> tuple[list[Finding], list[str]]:
    """What is known of packages: their vulnerabilities, and the names of those that the advisories do not know.

    Raises:
        Skipped: nobody answers who knows advisories, or not in time.
    """
    began = time.monotonic()
    name, version, vulnerability = CONTROL
    control = findings(asked({(name, version)}, min(limit_s, CONTROL_LIMIT_S), pip_audit))
    if not any(vulnerability in finding.ids for finding in control):
        raise Skipped(f"the index that is asked keeps no advisories (it does not know {vulnerability} of {name})")
    answer = asked(packages, limit_s - (time.monotonic() - began), pip_audit)
    return findings(answer), sorted({each["name"] for each in answer if "skip_reason" in each})


def asked(packages: Iterable[Package], limit_s: float, pip_audit: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """The packages with what pip-audit learns about them.

    Raises:
        Skipped: nobody answers, or not in time.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--requirement={file}" for file in requirements(packages, Path(folder))]
        try:
            done = subprocess.run(  # noqa: S603 - pip-audit, with our own locks
                [*pip_audit, *files], capture_output=True, text=True, check=False, timeout=limit_s
            )
        except subprocess.TimeoutExpired as expired:
            raise Skipped(f"no answer within {limit_s:.0f} s; AUDIT_S=300 waits for longer") from expired
    if not done.stdout.startswith("{"):
        raise Skipped(f"no advisories can be had ({(done.stderr.strip() or 'no answer').splitlines()[-1][:160]})")
    answer: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    return answer


def requirements(packages: Iterable[Package], folder: Path) -> list[Path]:
    """Files of requirements, in each of which a package has one version: a lock may have several, for platforms."""
    versions: dict[str, list[str]] = {}
    for name, version in sorted(packages):
        versions.setdefault(name, []).append(version)
    files = []
    for index in range(max(map(len, versions.values()))):
        file = folder / f"{index}.txt"
        lines = [f"{name}=={found[index]}\n" for name, found in versions.items() if len(found) > index]
        file.write_text("".join(lines), encoding="utf-8")
        files.append(file)
    return files


def findings(answer: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The vulnerabilities in an answer of pip-audit."""
    return [
        Finding((each["name"], each["version"]), frozenset({found["id"], *found["aliases"]}), (*found["fix_versions"],))
        for each in answer
        for found in each.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main())
