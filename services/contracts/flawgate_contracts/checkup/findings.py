"""A check of an installation, and what it finds."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CHECKS_GROUP = "flawgate.doctor_checks"
"""Entry points of this group are functions that take the `Place` and give `Check`s."""

Status = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        status: `ok`; `warning`: it works, but not for long or not as it should; `error`: it does not; `skipped`: it
            could not be looked at, or there is nothing of the kind.
        says: one sentence, without secrets.
        advice: what to do, one sentence; empty where nothing is to be done.
        subject: which of several alike, e.g. the name of a recipe; empty where there is one only.
    """

    status: Status
    says: str
    advice: str = ""
    subject: str = ""


def ok(says: str, *, subject: str = "") -> Finding:
    """All is well."""
    return Finding("ok", says, subject=subject)


def warning(says: str, advice: str, *, subject: str = "") -> Finding:
    """Somebody should look into it."""
    return Finding("warning", says, advice, subject)


def error(says: str, advice: str, *, subject: str = "") -> Finding:
    """It does not work."""
    return Finding("error", says, advice, subject)


def skipped(says: str, *, subject: str = "") -> Finding:
    """It was not looked at."""
    return Finding("skipped", says, subject=subject)


@dataclass(frozen=True, slots=True)
class Place:
    """Which installation is looked at.

    Attributes:
        model_repository: its folder.
        data_dir: the gateway's data folder, where the command names it; None: the environment says where it is.
        environments: by service, the environment that its process runs with; for the others that of this process
            counts, which is what they would be started with.
    """

    model_repository: Path
    data_dir: Path | None = None
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def environment(self, service: str) -> Mapping[str, str]:
        """The environment of a service, name → value."""
        return self.environments.get(service, os.environ)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    Attributes:
        area: heading that it stands under, e.g. `database`.
        name: one or two words, e.g. `tables`; area and name together name it in JSON.
        look: gives at least one finding; changes nothing. A `FlawgateError` is an error, whose message is shown.
        timeout_s: longest time that it may take, in seconds; more than a database waits for a lock or a connection.
    """

    area: str
    name: str
    look: Callable[[], Iterable[Finding]]
    timeout_s: float = 20.0


Contribution = Callable[[Place], Sequence[Check]]
"""What an entry point names."""
