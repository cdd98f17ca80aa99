"""Recipes, versions and golden frames as tables for people."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flawgate_decision.promotion.overview import RecipeFacts, VersionFacts
from flawgate_imaging.golden_frames import Missing
from flawgate_inference.golden_checks import Checked

INTERRUPTED = "A promotion was interrupted; the next `promote` or `rollback` brings it to an end first."


def recipes(known: Sequence[RecipeFacts]) -> Table:
    """One row for each recipe."""
    made = _table("recipe", "kind", "active", "versions", "size", "title", wraps="title")
    for each in known:
        numbers = ", ".join(str(version.version) for version in each.versions)
        size = sum(version.size for version in each.versions)
        made.add_row(each.name, each.kind or "?", _active(each), numbers, _bytes(size), each.title or "?")
    return made


def recipe(known: RecipeFacts) -> RenderableType:
    """One recipe: its versions, what is wrong with them, and what was put in force when."""
    parts: list[RenderableType] = [Text(f"{known.name}: {known.title or '?'} ({known.kind or 'kind unknown'})", "bold")]
    parts.append(_versions(known.versions))
    notes = [(f"Version {each.version}", each.fault, "red") for each in known.versions if each.fault]
    notes += [
        (f"Version {each.version} was forced past the parity gate", each.forced, "yellow")
        for each in known.versions
        if each.forced
    ]
    parts += [Text(f"{what}: {why}", style) for what, why, style in notes]
    if known.interrupted:
        parts.append(Text(INTERRUPTED, "yellow"))
    if known.promotions:
        parts.append(_promotions(known))
    return Group(*parts)


def golden(checked: Sequence[Checked]) -> Table:
    """What a version says about its golden frames."""
    made = _table("golden frame", "expected", "now", "", wraps="golden frame")
    for each in checked:
        frame = each.golden.frame
        expected = f"{frame.evaluation} {frame.score:.4f}"
        now = "-" if each.score is None else f"{each.evaluation} {each.score:.4f}"
        outcome = each.golden.why if isinstance(each.golden, Missing) else "passed"
        made.add_row(frame.name, expected, now, outcome)
    return made


def _versions(versions: Sequence[VersionFacts]) -> Table:
    made = _table("version", "", "exported", "network", "numbers", "golden", "size", "files", wraps="network")
    made.caption = "golden: frames whose picture is shipped / all golden frames"
    for each in reversed(versions):
        made.add_row(
            str(each.version),
            "active" if each.active else "rollback" if each.rollback else "",
            f"{each.exported:%Y-%m-%d}" if each.exported else "?",
            each.architecture or "?",
            f"{each.precision or '?'}{'!' if each.forced else ''}",
            f"{each.shipped}/{each.golden}",
            _bytes(each.size),
            Text("damaged", "red") if each.fault else "whole",
            style="bold" if each.active else "",
        )
    return made


def _promotions(known: RecipeFacts) -> Table:
    made = _table("when (UTC)", "what", "from", "to", "by", "not checked, because", wraps="not checked, because")
    for each in reversed(known.promotions):
        when = f"{each.at:%Y-%m-%d %H:%M:%S}"
        made.add_row(when, each.what, str(each.before), str(each.version), each.user, each.unchecked or "")
    return made


def _active(known: RecipeFacts) -> str:
    return f"{known.active or '?'}{' (interrupted)' if known.interrupted else ''}"


def _table(*headings: str, wraps: str) -> Table:
    """Without rows; the column `wraps` gives way where the terminal is narrow, the others are never cut."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        made.add_column(heading, no_wrap=heading != wraps, overflow="fold")
    return made


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
