"""The boards of Grafana as their files say, and the names within their expressions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "monitoring/grafana"

Json = dict[str, Any]

BOARDS: dict[str, Json] = {
    path.stem: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("dashboards/*.json"))
}
"""By name of the file."""

_SERIES = re.compile(
    r"\b(?P<name>(?:flawgate_|nv_|process_|cluster:|recipe:|recipe_station:|model:)[\w:]+|ALERTS|up)\b(?:{(?P<where>[^}]*)})?"
)
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUP = re.compile(r"\bby \((?P<labels>[\w, ]+)\) (?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel."""

    board: str
    panel: Json
    target: Json

    def __str__(self) -> str:
        """What a failed test is named by."""
        return f"{self.board}: {self.panel['title']} {self.target['legendFormat']}".rstrip()


def panels(board: Json) -> list[Json]:
    """The panels of a board, without the headings of its rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries() -> list[Asked]:
    """The queries of all boards."""
    return [
        Asked(name, panel, target)
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def expressions() -> list[str]:
    """All expressions of all boards: of panels and of annotations."""
    marks = [mark["expr"] for board in BOARDS.values() for mark in board["annotations"]["list"]]
    return [asked.target["expr"] for asked in queries()] + marks


def filled_in(expression: str) -> str:
    """An expression with Grafana's variables replaced, as a rule may hold it."""
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m").replace("$__range", "1h"))


def series(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The series that an expression names, and the labels by which each is chosen or summed up."""
    for found in _SERIES.finditer(expression):
        yield found["name"], frozenset(_MATCHER.findall(found["where"] or ""))
    for group in _GROUP.finditer(expression):
        first = _SERIES.search(group["rest"])
        assert first is not None, expression
        yield first["name"], frozenset(label.strip() for label in group["labels"].split(","))
