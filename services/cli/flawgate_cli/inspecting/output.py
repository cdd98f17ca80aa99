"""How outcomes are shown: a table for people, JSON lines for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flawgate_cli.inspecting.client import Outcome

STYLES = {"OK": "green", "NOT_OK": "bold red", "NOT_DECIDABLE": "yellow"}


def json_line(outcome: Outcome) -> str:
    """One JSON object: file, inspection_id, recipe, evaluation, score, defects; `error` where none was evaluated."""
    facts: dict[str, Any] = {"file": outcome.name}
    for key in ("inspection_id", "recipe", "evaluation", "score", "defects"):
        facts[key] = None if outcome.inspection is None else outcome.inspection[key]
    if outcome.inspection is None:
        facts["error"] = {"code": outcome.code, "detail": outcome.detail}
    return json.dumps(facts, ensure_ascii=False)


def outcome_table(outcomes: Iterable[Outcome], *, title: str, labels: Sequence[bool] | None = None) -> Table:
    """One row a frame: evaluation, score, defects, latency, and the label where it is known."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading, justify in (("frame", "left"), ("evaluation", "left"), ("score", "right"), ("defects", "left")):
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich's literal
    table.add_column("ms", justify="right")
    if labels is not None:
        table.add_column("label")
    for index, outcome in enumerate(outcomes):
        label = () if labels is None else (_label(outcome, defective=labels[index]),)
        table.add_row(outcome.name, *_cells(outcome), f"{outcome.latency_s * 1000:.0f}", *label)
    return table


def _cells(outcome: Outcome) -> tuple[Text, str, str]:
    if outcome.inspection is None:
        return Text(outcome.code, "bold red"), "", outcome.detail
    evaluation = str(outcome.inspection["evaluation"])
    return (
        Text(evaluation, STYLES[evaluation]),
        f"{outcome.inspection['score']:.4f}",
        _defects(outcome.inspection["defects"]),
    )


def _defects(defects: Sequence[Any]) -> str:
    """The two surest, and how many more there are."""
    shown = [_defect(defect) for defect in defects]
    more = f" +{len(shown) - 2}" if len(shown) > 2 else ""
    return "; ".join(shown[:2]) + more


def _defect(defect: Mapping[str, Any]) -> str:
    box = defect["box"]
    return f"{defect['class']} {box['width']}×{box['height']} at {box['x']},{box['y']}"


def _label(outcome: Outcome, *, defective: bool) -> Text:
    """What the frame really is; marked where the evaluation says otherwise."""
    right = outcome.evaluation == ("NOT_OK" if defective else "OK")
    return Text("defective" if defective else "good", "" if right else "bold red reverse")
