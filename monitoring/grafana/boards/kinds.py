"""The kinds of panels: a graph over time, a number, states over time, a table, a heat map."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from monitoring.grafana.boards.panels import Form, Json, Panel
from monitoring.grafana.boards.style import NEUTRAL, States, Thresholds

WHOLE = 24
"""Width of a panel that has the row for itself."""


@dataclass(frozen=True, kw_only=True)
class Graph(Panel):
    """Series over time."""

    stacked: bool = False
    """Areas that add up, instead of lines."""
    ranked: bool = True
    """Whether the legend begins with the highest series, instead of the first."""
    kind: ClassVar[str] = "timeseries"

    def options(self) -> Json:
        """See `Panel`."""
        rank = {"sortBy": "Max", "sortDesc": True} if self.ranked else {}
        return {
            "legend": {
                "displayMode": "table",
                "placement": "right" if self.width == WHOLE else "bottom",
                "showLegend": True,
                "calcs": ["mean", "max"],
                **rank,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }

    def custom(self) -> Json:
        """See `Panel`."""
        return {
            "drawStyle": "line",
            "lineWidth": 1 if self.stacked else 2,
            "fillOpacity": 60 if self.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if self.thresholds.lines else "off"},
        }


@dataclass(frozen=True, kw_only=True)
class Number(Panel):
    """The value of now, coloured by its limits."""

    width: int = 4
    height: int = 5
    nothing: str = "nothing measured"
    thresholds: Thresholds = NEUTRAL
    states: States | None = None
    kind: ClassVar[str] = "stat"
    instant: ClassVar[bool] = True

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }

    def defaults(self) -> Json:
        """See `Panel`."""
        words = {"mappings": self.states.json()} if self.states else {}
        return {**super().defaults(), "color": {"mode": "thresholds"}, **words}


@dataclass(frozen=True, kw_only=True)
class Timeline(Panel):
    """States over time, a row a series."""

    states: States
    kind: ClassVar[str] = "state-timeline"

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "mergeValues": True,
            "showValue": "never",
            "rowHeight": 0.8,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        }

    def custom(self) -> Json:
        """See `Panel`."""
        return {"fillOpacity": 80, "lineWidth": 0}

    def defaults(self) -> Json:
        """See `Panel`."""
        return {**super().defaults(), "mappings": self.states.json()}


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """Labels of series as they are now, and their values."""

    columns: Mapping[str, str]
    """Label, or `Value` → heading; in this order, and no others."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Heading → address that its cells lead to."""
    height: int = 7
    kind: ClassVar[str] = "table"
    form: ClassVar[Form] = "table"
    instant: ClassVar[bool] = True

    def options(self) -> Json:
        """See `Panel`."""
        return {"showHeader": True, "cellHeight": "sm"}

    def overrides(self) -> list[Json]:
        """See `Panel`."""
        return super().overrides() + [
            {
                "matcher": {"id": "byName", "options": heading},
                "properties": [{"id": "links", "value": [{"title": "Open", "url": url, "targetBlank": True}]}],
            }
            for heading, url in self.links.items()
        ]

    def transformations(self) -> list[Json]:
        """See `Panel`."""
        names = list(self.columns)
        return [
            {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
            {
                "id": "organize",
                "options": {
                    "indexByName": {name: index for index, name in enumerate(names)},
                    "renameByName": dict(self.columns),
                },
            },
        ]


@dataclass(frozen=True, kw_only=True)
class HeatMap(Panel):
    """Shares of a histogram's buckets over time; its query is a rate `by (le)`."""

    kind: ClassVar[str] = "heatmap"
    form: ClassVar[Form] = "heatmap"

    def options(self) -> Json:
        """See `Panel`."""
        return {
            "calculate": False,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
                "fill": "dark-orange",
            },
            "cellGap": 1,
            "cellValues": {"unit": "none"},
            "rowsFrame": {"layout": "auto"},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": True},
            "yAxis": {"unit": self.unit, "axisPlacement": "left", "reverse": False},
            "filterValues": {"le": 1e-9},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
        }

    def custom(self) -> Json:
        """See `Panel`."""
        return {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
