"""docs/logs.md and the code name the same events."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/logs.md"
PACKAGES = {
    "Every service": "contracts/flawgate_contracts",
    "gateway": "gateway/flawgate_gateway",
    "decision": "decision/flawgate_decision",
    "camera": "camera/flawgate_camera",
}
"""Heading of the page → the folder under services/ whose events stand there."""
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
GRAVE = {"warning", "error"}
LOGGERS = {"log", "_log"}
TELLERS = {"say", "_say"}
"""What the camera agent's own helpers are called, which write warnings, or errors."""

Event = tuple[str, str, str]
"""Heading, event, level."""


def named() -> set[Event]:
    """The events of the page's tables."""
    heading, found = "", set()
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        row = re.match(r"\| `(.+?)` \| (\w+) \|", line)
        if row is not None and heading in PACKAGES:
            found.add((heading, row[1], row[2]))
    return found


def written() -> set[Event]:
    """The events that the code writes."""
    return {
        (heading, event, level)
        for heading, folder in PACKAGES.items()
        for path in (ROOT / "services" / folder).rglob("*.py")
        for event, level in events(ast.parse(path.read_text("utf-8")), heading)
    }


def events(tree: ast.AST, heading: str) -> Iterator[tuple[str, str]]:
    """Event and level of each line that a module writes with a literal event."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        event, level = node.args[0].value, level_of(node.func, heading)
        if isinstance(event, str) and level is not None:
            yield event, level


def level_of(function: ast.expr, heading: str) -> str | None:
    """The level at which a call writes; None where it writes no log."""
    if isinstance(function, ast.Attribute) and name_of(function.value) in LOGGERS:
        return LEVELS.get(function.attr)
    return "warning" if heading == "camera" and name_of(function) in TELLERS else None


def name_of(expression: ast.expr) -> str:
    """The last name of `a.b.c`."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def test_every_warning_and_error_is_explained() -> None:
    """Whoever reads one at night finds what it means and what to do; none is explained that nobody writes."""
    assert {event for event in named() if event[2] in GRAVE} == {event for event in written() if event[2] in GRAVE}


def test_what_the_page_names_beside_them_is_written() -> None:
    """An event of another level that is told of exists, at that level."""
    told = {event for event in named() if event[2] not in GRAVE}
    assert told - written() == set()
    assert told != set()


def test_no_service_but_these_writes_events() -> None:
    """A package that begins to needs a section of its own."""
    others = {path.name for path in (ROOT / "services").iterdir()} - {f.split("/")[0] for f in PACKAGES.values()}
    paths = [path for name in others for path in (ROOT / "services" / name).glob("flawgate_*/**/*.py")]
    grave = [path for path in paths for _, level in events(ast.parse(path.read_text("utf-8")), "") if level in GRAVE]
    assert grave == []
