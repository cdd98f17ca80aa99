"""How outcomes are shown: a table for people, JSON lines for programs."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_cli.inspecting.sending import Outcome
from flawgate_client import Defect

STYLES = {"OK": "green", "NOT_OK": "bold red", "NOT_DECIDABLE": "yellow"}


def json_line(outcome: Outcome) -> str:
    """One JSON object: file, inspection_id, recipe, evaluation, reason, score, ...; `error` where there is none."""
    facts: dict[str, Any] = {"file": outcome.name}
    for key in ("inspection_id", "recipe", "evaluation", "reason", "score", "class", "defects"):
        facts[key] = None if outcome.inspection is None else outcome.inspection.document[key]
    if outcome.inspection is None:
        facts["error"] = {"code": outcome.code, "detail": outcome.detail}
    return json.dumps(facts, ensure_ascii=False)


def print_outcomes(
    console: Console, outcomes: Sequence[Outcome], *, title: str, labels: Sequence[bool] | None = None
) -> None:
    """One row a frame: evaluation, score, class where there is one, defects, latency, label where it is known.

    What failed, or could not be decided, and why, stands below.

    Args:
        console: where to.
        outcomes: in the order of the rows.
        title: of the table.
        labels: whether each frame's part is defective.
    """
    folder = _common_folder([outcome.name for outcome in outcomes])
    table = Table(
        title=Text(f"{title} · {folder}" if folder else title, "bold"),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("frame", overflow="fold")
    table.add_column("evaluation", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    classified = any(_class(outcome) for outcome in outcomes)
    if classified:
        table.add_column("class")
    table.add_column("defects")
    table.add_column("ms", justify="right", no_wrap=True)
    if labels is not None:
        table.add_column("label", no_wrap=True)
    named = len({defect.class_name for outcome in outcomes for defect in _defects(outcome)}) > 1
    for index, outcome in enumerate(outcomes):
        label = () if labels is None else (_label(outcome, defective=labels[index]),)
        frame = os.path.relpath(outcome.name, folder) if folder else outcome.name
        evaluation, score, marked = _cells(outcome, named=named)
        told = (Text(_class(outcome)),) if classified else ()
        table.add_row(Text(frame), evaluation, score, *told, marked, f"{outcome.latency_s * 1000:.0f}", *label)
    console.print(table)
    _print_reasons(console, outcomes)


def print_summary(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One line: how many frames came to each evaluation."""
    counts = Counter(outcome.evaluation for outcome in outcomes)
    parts = [Text(f"{counts[evaluation]} {evaluation}", style) for evaluation, style in STYLES.items()]
    failed = Text(f"{counts[None]} not evaluated", "bold red" if counts[None] else "")
    console.print(Text(", ").join([Text(f"{len(outcomes)} frames"), *parts, failed]))


def _print_reasons(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Each reason once, with the frame that met it, or the first of several."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.inspection is None:
            reasons.setdefault((outcome.code, "bold red", outcome.detail), []).append(outcome.name)
        elif outcome.evaluation == "NOT_DECIDABLE":
            told = ("NOT_DECIDABLE", STYLES["NOT_DECIDABLE"], outcome.inspection.reason)
            reasons.setdefault(told, []).append(outcome.name)
    for (code, style, why), names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        console.print(Text.assemble((code, style), f" {names[0]}{more}: {why}"))


def _common_folder(names: Sequence[str]) -> str:
    """The folder that all frames lie in; empty where there is none, or only one frame."""
    folders = {os.path.dirname(name) for name in names}  # noqa: PTH120  # the name of a frame need not be a path
    try:
        return os.path.commonpath(folders) if len(names) > 1 else ""
    except ValueError:
        return ""


def _cells(outcome: Outcome, *, named: bool) -> tuple[Text, str, Text]:
    if outcome.inspection is None:
        return Text(outcome.code, "bold red"), "", Text()
    inspection = outcome.inspection
    return (
        Text(inspection.evaluation, STYLES[inspection.evaluation]),
        "" if inspection.score is None else f"{inspection.score:.4f}",
        _defects_cell(inspection.defects, named=named),
    )


def _class(outcome: Outcome) -> str:
    """Of the frame as a whole; empty where none is told."""
    return "" if outcome.inspection is None else outcome.inspection.class_name or ""


def _defects(outcome: Outcome) -> Sequence[Defect]:
    return () if outcome.inspection is None else outcome.inspection.defects


def _defects_cell(defects: Sequence[Defect], *, named: bool) -> Text:
    """How many, and the surest: its class where there are several, its box in pixels of the frame."""
    if not defects:
        return Text()
    surest = defects[0]
    name = f"{surest.class_name} " if named else ""
    return Text(f"{len(defects)}: {name}{surest.box.width}×{surest.box.height} at {surest.box.x},{surest.box.y}")


def _label(outcome: Outcome, *, defective: bool) -> Text:
    """What the frame really is; marked where the evaluation says otherwise."""
    right = outcome.evaluation == ("NOT_OK" if defective else "OK")
    return Text("defective" if defective else "good", "" if right else "bold red reverse")
