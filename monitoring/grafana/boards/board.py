"""A board: rows of panels, the variables that choose what they show, and links to the other boards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring.grafana.boards.panels import DATASOURCE, Json, Panel
from monitoring.grafana.boards.style import REPOSITORY

COLUMNS = 24
SCHEMA_VERSION = 39
"""That of Grafana 11.0; newer ones bring a board to their own as they load it."""


@dataclass(frozen=True)
class Variable:
    """A choice above the board: one, several or all values of a label."""

    name: str
    series: str
    """Selector whose values of the label are offered."""
    label: str = ""
    """The label, where the variable is named otherwise."""

    def json(self) -> Json:
        """As a variable of kind "query". "All" is `.*`, which matches series without the label too."""
        query = f"label_values({self.series}, {self.label or self.name})"
        return {
            "type": "query",
            "name": self.name,
            "label": self.name.capitalize(),
            "datasource": DATASOURCE,
            "definition": query,
            "query": {"query": query, "refId": f"{self.name}-values", "qryType": 1},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "hide": 0,
            "options": [],
        }


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True)
class Board:
    """One file."""

    name: str
    """Of the file, and of the `uid`, which is in addresses and must not change."""
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    since: str = "now-1h"
    """Where the time shown begins."""

    def json(self) -> Json:
        """As Grafana's file of a dashboard."""
        return {
            "uid": f"flawgate-{self.name}",
            "title": f"Flawgate: {self.title}",
            "description": self.description,
            "tags": ["flawgate"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "10s",
            "time": {"from": self.since, "to": "now"},
            "links": _links(),
            "annotations": {"list": [_firing_alerts()]},
            "templating": {"list": [variable.json() for variable in self.variables]},
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[Json]:
        number, y = 1, 0
        for row in self.rows:
            yield _heading(row.title, number, y)
            number, x, y, tallest = number + 1, 0, y + 1, 0
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                yield panel.json(number, x, y)
                number, x, tallest = number + 1, x + panel.width, max(tallest, panel.height)
            y += tallest


def _heading(title: str, number: int, y: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "panels": [],
    }


def _links() -> list[Json]:
    boards = {"title": "Boards", "type": "dashboards", "tags": ["flawgate"], "keepTime": True, "includeVars": True}
    pages = {"Operations": f"{REPOSITORY}/docs/operations.md", "Runbooks": f"{REPOSITORY}/docs/runbooks"}
    return [{**boards, "asDropdown": True}] + [
        {"title": title, "type": "link", "icon": "doc", "url": url, "targetBlank": True} for title, url in pages.items()
    ]


def _firing_alerts() -> Json:
    return {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing", alertname!="Watchdog"}',
        "titleFormat": "{{alertname}}",
        "tagKeys": "severity,recipe,camera,sink",
    }
