"""A board as a page of HTML."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import fmean
from typing import Any

from monitoring.grafana.preview import charts
from monitoring.grafana.preview.asking import Prometheus, Series, Span
from monitoring.grafana.preview.units import shown

Panel = Mapping[str, Any]
Chart = Callable[[Panel, Sequence[Series], Span, tuple[int, int]], str]

WIDTH, UNIT, GAP = 1600, 38, 8
"""Pixels of a page's width, of a unit of the grid's height, and between panels."""
LEGEND_ROW, TITLE = 17, 26

STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 13px sans-serif; position: relative; width: 1600px }
h1 { font-size: 18px; margin: 0; padding: 10px 8px; height: 20px }
.board { position: relative }
.panel { position: absolute; background: #181b1f; border: 1px solid #2c3235; box-sizing: border-box; overflow: hidden }
.panel h2 { font-size: 13px; font-weight: 600; margin: 0; padding: 5px 8px }
.row { position: absolute; font-size: 15px; font-weight: 600; padding-top: 8px }
.stat { position: absolute; inset: 26px 0 0 0; display: flex; align-items: center; justify-content: center }
.stat { font-size: 34px; font-weight: 600; color: #fff }
.empty { padding: 20px; color: #ff9830 } .nothing { padding: 20px; text-align: center }
.beside { display: flex; align-items: flex-start }
.beside svg { flex: none }
.beside table { width: auto; flex: auto } table { border-collapse: collapse; width: 100%; font-size: 11px }
td, th { text-align: left; padding: 1px 8px } td + td.figure, th.figure { text-align: right; width: 90px }
"""


def page(board: Mapping[str, Any], prometheus: Prometheus, span: Span) -> tuple[str, int, list[str]]:
    """A page, its height in pixels, and the queries that came to nothing: title of the panel, legend of the query."""
    empty: list[str] = []
    boxes = [_box(panel, prometheus, span, empty) for panel in board["panels"]]
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    head = f"<meta charset=utf-8><style>{STYLE}</style><h1>{escape(board['title'])}</h1>"
    return f"{head}<div class=board>{''.join(boxes)}</div>", bottom * UNIT + 50, empty


def _box(panel: Panel, prometheus: Prometheus, span: Span, empty: list[str]) -> str:
    place = panel["gridPos"]
    width, height = place["w"] * WIDTH // 24 - GAP, place["h"] * UNIT - GAP
    where = f"left:{place['x'] * WIDTH // 24}px;top:{place['y'] * UNIT}px;width:{width}px;height:{height}px"
    if panel["type"] == "row":
        return f'<div class=row style="{where}">{escape(panel["title"])}</div>'
    answers = {target["legendFormat"]: prometheus.series(target, span) for target in panel["targets"]}
    empty += [f"{panel['title']} {legend}".rstrip() for legend, found in answers.items() if not found]
    found = [series for answer in answers.values() for series in answer]
    draw = BODIES[panel["type"]] if found else _nothing
    body = draw(panel, found, span, (width, height - TITLE))
    return f'<div class=panel style="{where}"><h2>{escape(panel["title"])}</h2>{body}</div>'


def _nothing(panel: Panel, _found: Sequence[Series], _span: Span, _size: tuple[int, int]) -> str:
    said = panel["fieldConfig"]["defaults"].get("noValue")
    return f"<div class=nothing>{escape(said)}</div>" if said else "<div class=empty>No data</div>"


def _graph(panel: Panel, found: Sequence[Series], span: Span, size: tuple[int, int]) -> str:
    width, height = size
    if panel["options"]["legend"]["placement"] == "right":
        chart = charts.graph(panel, found, span, (width * 7 // 10, height))
        return f"<div class=beside>{chart}{_legend(panel, found)}</div>"
    rows = min(len(found), height // 2 // LEGEND_ROW)
    return charts.graph(panel, found, span, (width, height - LEGEND_ROW * (rows + 1))) + _legend(panel, found)


def _legend(panel: Panel, found: Sequence[Series]) -> str:
    defaults, fixed = panel["fieldConfig"]["defaults"], charts.fixed_colours(panel)
    lines = []
    for number, series in enumerate(found):
        values = [value for _, value in series.points if not math.isnan(value)]
        figures = (shown(value, defaults["unit"], defaults.get("decimals")) for value in (fmean(values), max(values)))
        mark = f'<span style="color:{charts.colour_of(series, number, fixed)}">▬</span> {escape(series.name)}'
        cells = "".join(f"<td class=figure>{figure}</td>" for figure in figures)
        lines.append((max(values), f"<tr><td>{mark}</td>{cells}</tr>"))
    if panel["options"]["legend"].get("sortDesc"):
        lines.sort(key=lambda line: -line[0])
    head = "<tr><th>Name<th class=figure>Mean<th class=figure>Max</tr>"
    return f"<table>{head}{''.join(line for _, line in lines)}</table>"


def _number(panel: Panel, found: Sequence[Series], _span: Span, _size: tuple[int, int]) -> str:
    defaults, value = panel["fieldConfig"]["defaults"], found[0].points[-1][1]
    steps = [step for step in defaults["thresholds"]["steps"] if step["value"] is None or value >= step["value"]]
    colour, text = steps[-1]["color"], shown(value, defaults["unit"], defaults.get("decimals"))
    for mapping in defaults.get("mappings", ()):
        state = mapping["options"][f"{value:.0f}"]
        colour, text = state["color"], state["text"]
    return f'<div class=stat style="background:{charts.COLOURS[colour]}99">{escape(text)}</div>'


def _table(panel: Panel, found: Sequence[Series], _span: Span, _size: tuple[int, int]) -> str:
    columns = panel["transformations"][1]["options"]["renameByName"]
    head = "".join(f"<th>{escape(heading)}" for heading in columns.values())
    rows = (
        "".join(
            f"<td>{escape(series.labels.get(key, f'{series.points[-1][1]:g}' if key == 'Value' else ''))}"
            for key in columns
        )
        for series in found
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


BODIES: Mapping[str, Chart] = {
    "timeseries": _graph,
    "stat": _number,
    "table": _table,
    "state-timeline": charts.states,
    "heatmap": charts.heat_map,
}
