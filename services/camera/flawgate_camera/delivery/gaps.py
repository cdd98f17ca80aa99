"""Gaps that lie side by side become one, so that their number stays small however long a gateway is away."""

from collections.abc import Sequence
from dataclasses import replace

from flawgate_camera.frames import Gap


def length(gap: Gap) -> int:
    """How many frames it stands for."""
    return gap.last - gap.first + 1


def merged(earlier: Gap, later: Gap) -> Gap:
    """One gap for two that lie side by side; of unlike causes that of the longer one."""
    cause = later.cause if length(later) > length(earlier) else earlier.cause
    return Gap(earlier.first, later.last, cause, earlier.since, later.until)


def extended(gaps: Sequence[Gap], gap: Gap, *, most: int) -> tuple[Gap, ...]:
    """The gaps with one more at their end, which begins where they end.

    Args:
        gaps: in order, without a hole.
        gap: the next one; joins the last one where their causes are alike.
        most: how many there may be; beyond, the last one takes in the next whatever its cause.
    """
    if gaps and (gaps[-1].cause is gap.cause or len(gaps) >= most):
        return (*gaps[:-1], merged(gaps[-1], gap))
    return (*gaps, gap)


def clipped(gap: Gap, first: int, recorded: int) -> Gap:
    """What is to be sent of a gap: from `first` on, and not beyond `recorded` where it begins at or before that.

    So a gap whose first part the gateway has on record already is not sent as one with the part that it has not.
    """
    last = recorded if first <= recorded < gap.last else gap.last
    return replace(gap, first=first, last=last)


def covering(gaps: Sequence[Gap], sequence: int) -> Gap | None:
    """The gap that holds that number."""
    return next((gap for gap in gaps if gap.first <= sequence <= gap.last), None)
