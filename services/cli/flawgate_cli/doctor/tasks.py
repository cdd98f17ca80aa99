"""What `flawgate doctor` does, once its options are read."""

import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flawgate_cli.doctor import report
from flawgate_cli.doctor.checks.contributed import contributed
from flawgate_cli.doctor.checks.listing import AREAS, own_checks
from flawgate_cli.doctor.examining import Examination
from flawgate_cli.doctor.scope import Scope, look_around
from flawgate_cli.local_cluster.layout import Layout, ModelServer, Ports
from flawgate_cli.options import api_key
from flawgate_contracts.checkup.findings import CHECKS_GROUP, Check

REPOSITORY = Path("model_repository")


@dataclass(frozen=True)
class Wanted:
    """The options of the command."""

    gateway: str | None
    port_offset: int
    model_server: ModelServer | None
    model_repository: Path | None
    data_dir: Path | None
    triton_python: Path
    cameras: tuple[str, ...]
    folders: tuple[Path, ...]
    ntp: bool
    key_file: Path | None
    ca_file: Path | None


def examine(wanted: Wanted, *, as_json: bool) -> int:
    """Run all checks and print what they found.

    Returns:
        The exit status: 0, 1 where there are warnings, 2 where there are errors.

    Raises:
        InvalidParameter: the gateway's URL, the key or the port offset cannot be used.
    """
    scope = _scope(wanted)
    examination = Examination(_checks(scope), AREAS)
    said = Console(stderr=True)
    with Live(console=said, transient=True, get_renderable=lambda: _progress(examination)):
        findings = examination.run()
    if as_json:
        sys.stdout.write(report.as_json(findings, scope.gateway) + "\n")
    else:
        report.show(findings, Console(highlight=False))
    return report.exit_status(findings)


def _scope(wanted: Wanted) -> Scope:
    layout = Layout(
        model_repository=wanted.model_repository or REPOSITORY,
        ports=Ports().shifted(wanted.port_offset),
        triton_python=wanted.triton_python,
    )
    return look_around(
        Scope(
            layout=layout,
            gateway=wanted.gateway or layout.url,
            elsewhere=wanted.gateway is not None,
            api_key=api_key(wanted.key_file),
            ca_file=wanted.ca_file,
            data_dir=wanted.data_dir,
            folders=wanted.folders,
            cameras=wanted.cameras,
            ntp=wanted.ntp,
        ),
        model_server=wanted.model_server,
        repository=wanted.model_repository,
    )


def _checks(scope: Scope) -> list[Check]:
    """This package's, then those of others where they can be about the same machine."""
    others = [] if scope.elsewhere else contributed(entry_points(group=CHECKS_GROUP), scope.place())
    return [*own_checks(scope), *others]


def _progress(examination: Examination) -> Text:
    waiting = ", ".join(examination.waiting())
    return Text(f"Looking at {waiting}" if waiting else "", "dim", no_wrap=True, overflow="ellipsis")
