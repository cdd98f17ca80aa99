"""Graphs, states and heat maps, drawn with matplotlib as SVG."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monitoring.grafana.preview.asking import Series, Span
from monitoring.grafana.preview.units import shown

PALETTE = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#37872d", "#fade2a", "#c4162a")
COLOURS = {"green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "yellow": "#fade2a", "blue": "#5794f2"}
INK, GRID, PAPER = "#ccccdc", "#2c3235", "#181b1f"
PIXELS = 100
"""Of an inch."""

Floats = NDArray[np.float64]


def colour_of(series: Series, number: int, fixed: Mapping[str, str]) -> str:
    """The colour of a series: that of its name, or the next of the palette."""
    for name, colour in fixed.items():
        if series.name == name or (name.startswith("/") and re.search(name.strip("/"), series.name)):
            return COLOURS[colour]
    return PALETTE[number % len(PALETTE)]


def fixed_colours(panel: Mapping[str, Any]) -> dict[str, str]:
    """Name of a series, or `/pattern/` of names → colour that the panel gives it."""
    return {
        override["matcher"]["options"]: setting["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "color"
    }


def graph(panel: Mapping[str, Any], found: Sequence[Series], span: Span, size: tuple[int, int]) -> str:
    """Lines, or areas that add up; `size` is width and height in pixels."""
    figure, axes = _empty(span, size)
    defaults, fixed = panel["fieldConfig"]["defaults"], fixed_colours(panel)
    base = np.zeros(0)
    for number, series in enumerate(found):
        colour = colour_of(series, number, fixed)
        if defaults["custom"]["stacking"]["mode"] == "normal":
            grid = np.arange(span.start, span.end, span.step_s)
            height = _on(grid, series)
            base = base if base.size else np.zeros_like(grid)
            axes.fill_between(grid, base, base + height, color=colour, alpha=0.6, linewidth=0.5)
            base = base + height
        else:
            axes.plot(*np.array(series.points).T, color=colour, linewidth=1.3)
    _limits(axes, defaults)
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, defaults["unit"]))
    return _svg(figure)


def states(panel: Mapping[str, Any], found: Sequence[Series], span: Span, size: tuple[int, int]) -> str:
    """A row a series, in the colours of its states."""
    figure, axes = _empty(span, size)
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    for row, series in enumerate(found):
        for at, value in series.points:
            colour = COLOURS[options[f"{value:.0f}"]["color"]]
            axes.barh(row, span.step_s, left=at, color=colour, height=0.8, alpha=0.8)
    axes.set_yticks(range(len(found)), [series.name for series in found])
    axes.grid(visible=False)
    return _svg(figure)


def heat_map(panel: Mapping[str, Any], found: Sequence[Series], span: Span, size: tuple[int, int]) -> str:
    """Shares of the buckets; the answers are cumulative, by `le`."""
    figure, axes = _empty(span, size)
    ordered = sorted(found, key=lambda series: float(series.labels["le"]))
    grid = np.arange(span.start, span.end, span.step_s)
    cells = np.diff([_on(grid, series) for series in ordered], axis=0, prepend=0)
    axes.pcolormesh(
        np.append(grid, span.end),
        np.arange(len(ordered) + 1),
        np.sqrt(np.where(cells > 1e-9, cells, np.nan)),
        cmap="Oranges",
    )
    unit = panel["options"]["yAxis"]["unit"]
    limits = [series.labels["le"] for series in ordered]
    axes.set_yticks(np.arange(1, len(limits) + 1), [x if x == "+Inf" else shown(float(x), unit) for x in limits])
    axes.tick_params(axis="y", labelsize=6)
    axes.grid(visible=False)
    return _svg(figure)


def _on(grid: Floats, series: Series) -> Floats:
    """Values of a series at other times; 0 where it has none."""
    at, values = np.array(series.points).T
    heights: Floats = np.interp(grid, at, np.nan_to_num(values), left=0, right=0)
    return heights


def _limits(axes: Axes, defaults: Mapping[str, Any]) -> None:
    drawn = axes.get_ylim()[1]
    axes.set_ylim(defaults.get("min"), defaults.get("max"))
    if defaults["custom"]["thresholdsStyle"]["mode"] == "off":
        return
    for step in defaults["thresholds"]["steps"][1:]:
        axes.axhline(step["value"], color=COLOURS[step["color"]], linestyle="--", linewidth=0.8)
    axes.set_ylim(top=defaults.get("max", max(drawn, axes.get_ylim()[1])))


def _empty(span: Span, size: tuple[int, int]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(size[0] / PIXELS, size[1] / PIXELS), dpi=PIXELS, facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot(facecolor=PAPER)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=7, length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlim(span.start, span.end)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda at, _: datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S"))
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue().partition("<svg")[2].join(("<svg", ""))
