"""All of it on one screen: what matters most comes first, for a low terminal shows the beginning."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from flawgate_cli.top import line, machinery
from flawgate_cli.top.changes import Change, changes
from flawgate_cli.top.polling import Look

SERVICES = ("gateway", "preprocessing", "decision", "triton")


def view(before: Look | None, now: Look, *, where: str, hint: str = "") -> RenderableType:
    """What is shown after a look.

    Args:
        before: the look before; None: this is the first, so there are no rates yet.
        now: the newest look.
        where: the cluster, for people.
        hint: how to end.
    """
    found = dict(changes(before, now))
    seconds = 0.0 if before is None else now.at - before.at
    parts: list[RenderableType] = [_heading(where, seconds, hint), machinery.services(found)]
    gateway, decision, triton = (_answering(found, name) for name in ("gateway", "decision", "triton"))
    if gateway is not None:
        parts += [line.recipes(gateway, decision), Text("  ·  ").join(line.facts(gateway)), ""]
    answering = [(name, change) for name in SERVICES if (change := _answering(found, name)) is not None]
    tables = [machinery.stages(answering)] if answering else []
    if triton is not None:
        tables.append(machinery.triton(triton))
    parts.append(Columns([each for each in tables if each.row_count], padding=(0, 3)))
    agents = [change for name, change in found.items() if name not in SERVICES and isinstance(change, Change)]
    parts += [table for table in map(machinery.cameras, agents) if table.row_count]
    return Group(*parts)


def _answering(found: Mapping[str, Change | str], name: str) -> Change | None:
    change = found.get(name)
    return change if isinstance(change, Change) else None


def _heading(where: str, seconds: float, hint: str) -> Text:
    said = Text.assemble(("flawgate top", "bold"), f"  {where}  {datetime.now(UTC):%H:%M:%S} UTC")
    said.append(f"  the last {seconds:.1f} s" if seconds else "  rates from the next look on", "dim")
    return said.append(f"  {hint}" if hint else "", "dim")
