"""Panels: each answers the question that is its title, and says in its description what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from monitoring.grafana.boards.style import GOOD, Thresholds, runbook_url

Json = dict[str, Any]
Form = Literal["time_series", "table", "heatmap"]

DATASOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
"""The data source of provisioning/datasources/prometheus.yml."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression of PromQL."""

    expr: str
    legend: str = ""
    """Name of a series, with `{{label}}`."""
    exemplars: bool = False
    """Whether traces are shown as points; of a histogram's buckets."""

    def json(self, letter: str, form: Form, *, instant: bool) -> Json:
        """As a target, named by a letter."""
        return {
            "datasource": DATASOURCE,
            "expr": self.expr,
            "legendFormat": self.legend,
            "refId": letter,
            "format": form,
            "instant": instant,
            "range": not instant,
            "exemplar": self.exemplars,
        }


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What all kinds share. The grid has 24 columns; a row of it is 30 pixels high."""

    title: str
    """The question that it answers."""
    description: str
    """What to look for, and what to do."""
    queries: Sequence[Query]
    alerts: Sequence[str] = ()
    """Alerts that watch this; their runbooks are linked."""
    unit: str = "none"
    decimals: int | None = None
    nothing: str = ""
    """What is said where there is no series, if that is as it should be."""
    minimum: float | None = 0
    maximum: float | None = None
    width: int = 12
    height: int = 8
    thresholds: Thresholds = GOOD
    colours: Mapping[str, str] = field(default_factory=dict)
    """Name of a series → its colour; of `/a pattern/` → shades of one colour."""

    kind: ClassVar[str]
    form: ClassVar[Form] = "time_series"
    instant: ClassVar[bool] = False

    def options(self) -> Json:
        """What the kind of panel is told."""
        raise NotImplementedError

    def custom(self) -> Json:
        """How the kind of panel draws a series."""
        return {}

    def defaults(self) -> Json:
        """How values are shown."""
        limits = {"decimals": self.decimals, "min": self.minimum, "max": self.maximum}
        return {
            "unit": self.unit,
            **{key: value for key, value in limits.items() if value is not None},
            **({"noValue": self.nothing} if self.nothing else {}),
            "color": {"mode": "palette-classic"},
            "thresholds": self.thresholds.json(),
            "custom": self.custom(),
        }

    def overrides(self) -> list[Json]:
        """Series that are shown otherwise."""
        return [_coloured(name, colour) for name, colour in self.colours.items()]

    def transformations(self) -> list[Json]:
        """What becomes of the answers before they are shown."""
        return []

    def json(self, number: int, x: int, y: int) -> Json:
        """As Grafana keeps it: `number` is unique on its board, `x` and `y` the place on the grid."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": DATASOURCE,
            "targets": [
                query.json(chr(ord("A") + index), self.form, instant=self.instant)
                for index, query in enumerate(self.queries)
            ],
            "options": self.options(),
            "fieldConfig": {"defaults": self.defaults(), "overrides": self.overrides()},
            "transformations": self.transformations(),
            "links": [
                {"title": f"Runbook of {alert}", "type": "link", "url": runbook_url(alert), "targetBlank": True}
                for alert in self.alerts
            ],
        }


def _coloured(name: str, colour: str) -> Json:
    many = name.startswith("/")
    return {
        "matcher": {"id": "byRegexp" if many else "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "shades" if many else "fixed", "fixedColor": colour}}],
    }
