"""What a simulated line came to, for people."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flawgate_camera.simulate.ledger import NOT_INSPECTED
from flawgate_camera.simulate.report import CameraReport, Confusion
from flawgate_camera.simulate.stock import Truth

EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE", NOT_INSPECTED)
_RIGHT = {(Truth.GOOD, "OK"), (Truth.DEFECTIVE, "NOT_OK")}
_WRONG = {(Truth.GOOD, "NOT_OK"), (Truth.DEFECTIVE, "OK")}


def print_cameras(console: Console, reports: Sequence[CameraReport], *, title: str, deadline_s: float) -> None:
    """One row a camera, and one for what was dropped, where something was."""
    table = _table("camera")
    headings = (
        "frames",
        "results",
        "dropped",
        f"≤ {deadline_s:g} s",
        "p50 s",
        "p95 s",
        "p99 s",
        "reopened",
        "replayed",
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for each in reports:
        table.add_row(
            each.camera,
            *(str(each.frames), str(each.results), _dropped(each)),
            "" if each.on_time_share is None else f"{each.on_time_share:.1%}",
            *(_seconds(age) for age in (each.age_p50_s, each.age_p95_s, each.age_p99_s)),
            *(str(each.reconnects or ""), str(each.replayed or "")),
        )
    _print_table(console, title, table)
    _print_drops(console, reports)


def _print_drops(console: Console, reports: Sequence[CameraReport]) -> None:
    causes = sorted({cause for each in reports for cause in each.dropped})
    if not causes:
        return
    table = _table("camera")
    for cause in causes:
        table.add_column(cause, justify="right")
    for each in reports:
        table.add_row(each.camera, *(str(each.dropped.get(cause, "")) for cause in causes))
    _print_table(console, "Dropped, by cause", table)


def print_confusion(console: Console, matrix: Confusion) -> None:
    """What the parts are, and what was said of them; wrong answers stand out."""
    said = [each for each in EVALUATIONS if any(matrix[truth, each] for truth in Truth)]
    table = _table("part")
    for evaluation in said:
        table.add_column(evaluation, justify="right", no_wrap=True)
    for truth in Truth:
        if any(matrix[truth, evaluation] for evaluation in said):
            table.add_row(truth.value, *(_frames(matrix, truth, evaluation) for evaluation in said))
    _print_table(console, "What the parts are, and what was said of them", table)


def print_sums(console: Console, reports: Sequence[CameraReport], differences: Sequence[str], unasked: str) -> None:
    """Whether all frames are accounted for, here and at the gateway.

    Args:
        console: where to.
        reports: of all cameras.
        differences: between them and the gateway's records.
        unasked: why the gateway was not asked; empty where it was.
    """
    frames, results = (sum(getattr(each, name) for each in reports) for name in ("frames", "results"))
    dropped = sum(sum(each.dropped.values()) for each in reports)
    faults = [f"{each.camera}: {fault}" for each in reports for fault in each.faults]
    style, verdict = ("bold red", "The sums do not add up") if faults else ("green", "The sums add up")
    console.print(Text.assemble((verdict, style), f": {frames} frames, {results} results, {dropped} dropped."))
    for sentence in (*faults, *differences):
        console.print(Text(f"  {sentence}.", "red"), soft_wrap=True)
    if unasked:
        console.print(Text(f"The gateway's records were not compared: {unasked}."), soft_wrap=True)
    elif not differences:
        console.print(f"The gateway has the same on record of all {len(reports)} streams.")
    for each in reports:
        _print_remarks(console, each)


def _print_remarks(console: Console, each: CameraReport) -> None:
    remarks = (
        (each.missed, f"parts passed {each.camera} without a picture: it waited"),
        (each.late, f"answers came to {each.camera} after its budget, too late to act upon"),
    )
    for count, remark in remarks:
        if count:
            console.print(Text(f"{count} {remark}.", "yellow"), soft_wrap=True)


def _print_table(console: Console, title: str, table: Table) -> None:
    """With the title as a line of its own: a narrow table would break it."""
    console.print(Text(title, "bold"), soft_wrap=True)
    console.print(table)


def _table(first: str) -> Table:
    # Without padding, ten columns fit into a terminal of 80 characters.
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    table.add_column(first, no_wrap=True)
    return table


def _dropped(each: CameraReport) -> Text:
    frames = sum(each.dropped.values())
    return Text(str(frames), "yellow" if frames else "")


def _seconds(age_s: float | None) -> str:
    return "" if age_s is None else f"{age_s:.3f}" if age_s < 10 else f"{age_s:.1f}"


def _frames(matrix: Confusion, truth: Truth, evaluation: str) -> Text:
    count = matrix[truth, evaluation]
    if not count:
        return Text("")
    style = "bold red" if (truth, evaluation) in _WRONG else "green" if (truth, evaluation) in _RIGHT else ""
    return Text(str(count), style)
