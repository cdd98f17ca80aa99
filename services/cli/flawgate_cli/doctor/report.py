"""How findings are shown: a table for people, lines for a file, JSON for programs (docs/doctor.md)."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from flawgate_cli.doctor.examining import Found
from flawgate_cli.doctor.secrets import without_secrets
from flawgate_contracts.checkup.findings import Status

SCHEMA_VERSION = 1
STYLES: dict[Status, str] = {"ok": "green", "warning": "bold yellow", "error": "bold red", "skipped": "dim"}
NAME_WIDTH = 22
EXIT: dict[Status, int] = {"ok": 0, "skipped": 0, "warning": 1, "error": 2}


def exit_status(findings: Sequence[Found]) -> int:
    """0, 1 where the worst is a warning, 2 where it is an error."""
    return max((EXIT[each.finding.status] for each in findings), default=0)


def as_json(findings: Sequence[Found], gateway: str) -> str:
    """One object; its members are documented in docs/doctor.md.

    Args:
        findings: of all checks.
        gateway: URL of the gateway that was asked.
    """
    counts = Counter(each.finding.status for each in findings)
    facts = {
        "schema_version": SCHEMA_VERSION,
        "examined_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "gateway": without_secrets(gateway),
        "status": worst(findings),
        "counts": {status: counts[status] for status in STYLES},
        "findings": [_facts(each) for each in findings],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False)


def worst(findings: Sequence[Found]) -> Status:
    """`ok`, `warning` or `error`."""
    by_exit: dict[int, Status] = {0: "ok", 1: "warning", 2: "error"}
    return by_exit[exit_status(findings)]


def show(findings: Sequence[Found], console: Console) -> None:
    """A table where somebody looks on; where not, a line for each finding, which can be searched."""
    if console.is_terminal:
        console.print(_table(findings))
    else:
        for each in findings:
            console.print(_line(each), soft_wrap=True)
    console.print(_summary(findings), soft_wrap=True)


def _facts(found: Found) -> dict[str, Any]:
    finding = found.finding
    return {
        "area": found.area,
        "check": found.check,
        "subject": finding.subject or None,
        "status": finding.status,
        "says": finding.says,
        "advice": finding.advice or None,
        "seconds": found.seconds,
    }


def _table(findings: Sequence[Found]) -> RenderableType:
    parts: list[RenderableType] = []
    for area, several in groupby(findings, key=lambda each: each.area):
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=len("skipped"))
        # Of one width in all areas, so that the sentences stand in one column.
        grid.add_column(width=NAME_WIDTH, overflow="fold")
        grid.add_column(overflow="fold", ratio=1)
        for each in several:
            status = each.finding.status
            grid.add_row(Text(status, STYLES[status]), Text(_name(each)), _cell(each))
        parts += [Text(area.capitalize(), "bold"), grid, ""]
    return Group(*parts)


def _cell(found: Found) -> Text:
    finding = found.finding
    said = Text(finding.says, "dim" if finding.status == "skipped" else "")
    return Text.assemble(said, "\n", ("→ ", STYLES[finding.status]), finding.advice) if finding.advice else said


def _line(found: Found) -> Text:
    finding = found.finding
    advice = f" {finding.advice}" if finding.advice else ""
    status = Text(f"{finding.status:<8}", STYLES[finding.status])
    return Text.assemble(status, f"{found.area}: {_name(found)}: {finding.says}{advice}")


def _name(found: Found) -> str:
    return f"{found.check} {found.finding.subject}" if found.finding.subject else found.check


def _summary(findings: Sequence[Found]) -> Text:
    counts = Counter(each.finding.status for each in findings)
    order: tuple[Status, ...] = ("error", "warning", "ok", "skipped")
    parts = [Text(_counted(counts[status], status), STYLES[status] if counts[status] else "") for status in order]
    return Text(", ").join(parts)


def _counted(count: int, status: Status) -> str:
    return f"{count} {status}{'s' if status in ('error', 'warning') and count != 1 else ''}"
