"""Whether Python and the installed packages go together."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version

from flawgate_cli.options import KEY_VARIABLE
from flawgate_contracts.checkup.findings import Check, Finding, error, ok
from flawgate_contracts.checkup.variables import unknown
from flawgate_contracts.metrics.serving import COMMIT_VARIABLE

PREFIX = "flawgate-"
VARIABLES = (
    KEY_VARIABLE,
    COMMIT_VARIABLE,
    "FLAWGATE_MODEL_STORE",
    "FLAWGATE_TRITON_OTLP_URL",
    "FLAWGATE_TRITON_THREADS",
)
"""Those that are read as they stand; a test holds this list against the sources."""
TEST_DATA = ("FLAWGATE_DAGM", "FLAWGATE_KSDD")
"""Where the tests of training find data sets."""

_BOUND = re.compile(r"(>=|<)(\d+)\.(\d+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checks() -> Sequence[Check]:
    """Of what is installed."""
    return (
        Check("installation", "Python", lambda: [python(sys.version_info[:2], _own_metadata("Requires-Python"))]),
        Check("installation", "packages", lambda: packages(_installed())),
        Check("settings", "flawgate", lambda: _variables(os.environ)),
    )


def python(running: tuple[int, int], wanted: str) -> Finding:
    """Whether the interpreter is one that the packages are made for.

    Args:
        running: major and minor version.
        wanted: e.g. `>=3.11,<3.13`.
    """
    named = ".".join(map(str, running))
    for sign, major, minor in _BOUND.findall(wanted):
        bound = (int(major), int(minor))
        if running < bound if sign == ">=" else running >= bound:
            advice = "Make the environment anew with such a Python (`make setup`)."
            return error(f"This is Python {named}, and Flawgate wants {wanted}.", advice)
    return ok(f"Python {named} ({sys.executable}).")


def packages(installed: Sequence[Distribution]) -> Iterator[Finding]:
    """Whether Flawgate's packages are all of one version, and what they need is there.

    Args:
        installed: Flawgate's own.
    """
    versions = {each.metadata["Name"]: each.version for each in installed}
    missing = list(_missing(installed))
    yield from missing
    if len(set(versions.values())) > 1:
        told = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
        yield error(f"Flawgate's packages are of different versions: {told}.", "Install all of one version.")
    elif not missing:
        number = next(iter(versions.values()), "?")
        names = ", ".join(sorted(name.removeprefix(PREFIX) for name in versions))
        yield ok(f"{len(versions)} packages of version {number}: {names}.")


def _missing(installed: Sequence[Distribution]) -> Iterator[Finding]:
    for each in installed:
        # A requirement with a marker belongs to an extra, or to another platform.
        always = (text for text in each.requires or () if ";" not in text)
        for name in (match.group() for match in map(_NAME.match, always) if match):
            if not _is_installed(name):
                says = f"{each.metadata['Name']} needs {name}, which is not installed."
                yield error(says, "Install the packages again (`make setup`).", subject=name)


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _variables(environment: Mapping[str, str]) -> Iterable[Finding]:
    found = list(unknown("FLAWGATE_", (*VARIABLES, *TEST_DATA), environment))
    return found or [ok("No variable FLAWGATE_... is set that nobody reads.")]


def _installed() -> list[Distribution]:
    # A clone on the path beside its installation names a package twice.
    found = {
        each.metadata["Name"]: each for each in distributions() if (each.metadata["Name"] or "").startswith(PREFIX)
    }
    return list(found.values())


def _own_metadata(key: str) -> str:
    own = next((each for each in _installed() if each.metadata["Name"] == "flawgate-cli"), None)
    return "" if own is None else str(own.metadata[key] or "")
