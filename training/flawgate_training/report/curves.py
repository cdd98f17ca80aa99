"""How training went, epoch by epoch, from the run folder's `curves.json`."""

from collections.abc import Mapping, Sequence
from typing import Literal

from flawgate_training.learning.curves import Curves, Epoch
from flawgate_training.report.charts import STYLES, Chart, Line, Point, Style, axis

Kind = Literal["loss", "score"]


def charts(runs: Mapping[str, Curves]) -> list[Chart]:
    """Loss, and the validation score where there is one, of every stage.

    Args:
        runs: curves by the run's name, one or a few folds.
    """
    stages = list(dict.fromkeys(stage for curves in runs.values() for stage in curves))
    kinds: tuple[Kind, Kind] = ("loss", "score")
    drawn = [
        _chart(stage, kind, {name: _points(curves.get(stage, ()), kind) for name, curves in runs.items()})
        for stage in stages
        for kind in kinds
    ]
    return [chart for chart in drawn if chart is not None]


def _points(epochs: Sequence[Epoch], kind: Kind) -> tuple[Point, ...]:
    values = [(each.epoch, each.loss if kind == "loss" else each.score) for each in epochs]
    return tuple((float(epoch), value) for epoch, value in values if value is not None)


def _chart(stage: str, kind: Kind, runs: Mapping[str, tuple[Point, ...]]) -> Chart | None:
    points = [point for line in runs.values() for point in line]
    if not points:
        return None
    lines = tuple(
        Line(name if len(runs) > 1 else "", line, _style(place)) for place, (name, line) in enumerate(runs.items())
    )
    title = f"{stage.replace('_', ' ').capitalize()}: " + ("training loss" if kind == "loss" else "validation score")
    note = "Lower is better." if kind == "loss" else "Higher is better."
    x = axis("epoch", [epoch for epoch, _ in points], zero=False, whole=True)
    return Chart(title, note, x, axis(kind, [value for _, value in points]), lines)


def _style(place: int) -> Style:
    return STYLES[place % len(STYLES)]
