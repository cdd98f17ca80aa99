"""Numbers as cells of tables: units, digits, and the colour that says how bad they are."""

import math

from rich.text import Text

NOTHING = Text("–", "dim")
GOOD, WARN, BAD = "green", "bold yellow", "bold red"


def graded(value: float | None, *, warn: float, bad: float) -> str:
    """The style of a value, of which more is worse.

    Args:
        value: None for the style of nothing.
        warn: from here on it deserves a look.
        bad: from here on it is wrong.
    """
    if value is None:
        return "dim"
    return BAD if value >= bad else WARN if value >= warn else ""


def rate(value: float | None, style: str = "") -> Text:
    """By the second: `12.3`."""
    return NOTHING if value is None else Text(f"{value:.1f}" if value < 100 else f"{value:.0f}", style)


def count(value: float | None, style: str = "") -> Text:
    """A number of things."""
    return NOTHING if value is None else Text(f"{value:.0f}", style)


def milliseconds(seconds: float | None, style: str = "", *, beyond: float | None = None) -> Text:
    """A time: `34` or `1240` ms.

    Args:
        seconds: infinite where it lies beyond the last edge of the buckets.
        style: of the cell.
        beyond: that edge, in seconds.
    """
    if seconds is None:
        return NOTHING
    if math.isinf(seconds):
        return Text("> all" if beyond is None else f">{beyond * 1000:.0f}", BAD)
    return Text(f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:.0f}", style)


def share(part: float | None, *, warn: float, bad: float) -> Text:
    """A share as per cent."""
    return NOTHING if part is None else Text(f"{part:.0%}", graded(part, warn=warn, bad=bad))


def busy(seconds_a_second: float | None) -> Text:
    """Of one core, or of one after the other: above 100 % several are at work at once."""
    return NOTHING if seconds_a_second is None else Text(f"{seconds_a_second:.0%}")


def age(seconds: float | None, style: str = "") -> Text:
    """A span: `42 s`, `17 min`, `5.2 h`, `3.1 d`."""
    if seconds is None:
        return NOTHING
    for bound, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < bound:
            return Text(f"{seconds / size:.0f} {unit}", style)
    return Text(f"{seconds / 86_400:.1f} d", style)


def mebibytes(value: float | None) -> Text:
    """Bytes as MiB."""
    return NOTHING if value is None else Text(f"{value / 2**20:.0f}")
