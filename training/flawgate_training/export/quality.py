"""The limits that a recipe sets to a picture's own quality, measured over what the network learned from.

Margins are wide: they stop the lens cap, the lamp that is out, the camera that was knocked out of focus, and no part.
"""

import logging
from collections.abc import Sequence

import numpy as np

from flawgate_contracts.errors import InvalidDataset
from flawgate_contracts.recipe import QualityLimits
from flawgate_imaging.quality import DECIMALS, Measures, measure
from flawgate_training.datasets.items import Item

_log = logging.getLogger(__name__)

FRAMES = 500
"""Frames that are measured at most, evenly over the data set, good and defective."""

MEAN_MARGIN = 0.5
"""The darkest mean may halve: one stop less light. So may the distance of the brightest one to white."""

SHARE_MARGIN = 0.2
"""Dark, or bright, pixels may be as many as in the worst frame, and a fifth of all others."""

FOCUS_MARGIN = 0.25
"""Of the least sharp frame: half the light is half the contrast, and its variance a quarter."""


def chosen_limits(stated: QualityLimits | None, items: Sequence[Item]) -> QualityLimits:
    """The limits that an experiment states; where it states none, `measured_limits` of what the network learned from.

    Raises:
        InvalidDataset: see `measured_limits`.
    """
    return measured_limits(items) if stated is None else stated


def measured_limits(items: Sequence[Item]) -> QualityLimits:
    """Limits that hold every frame, with the margins above.

    Repeats are refused where no two frames are the same file: then the same bytes twice are a camera that froze.

    Args:
        items: frames that the network learned from, good and defective ones; at most `FRAMES` are measured.

    Raises:
        InvalidDataset: every frame is black, or a picture cannot be read any more.
    """
    measured = [(item.name, measure(item.source.read().pixels)) for item in spread(items)]
    black = [name for name, measures in measured if measures.dark_share >= 1]
    if len(black) == len(measured):
        raise InvalidDataset(
            "Every training frame is black, so there is no measure of a good picture; look at the data set, or export "
            "with --no-quality-limits."
        )
    if black:
        _log.warning("black, and would be NOT_DECIDABLE in service: %s", ", ".join(black))
    shown = [measures for _, measures in measured if measures.dark_share < 1]
    return _around(shown, distinct=len({item.sha256 for item in items}) == len(items))


def spread(items: Sequence[Item]) -> list[Item]:
    """At most `FRAMES` of them, evenly from the first to the last."""
    if len(items) <= FRAMES:
        return list(items)
    return [items[int(place)] for place in np.linspace(0, len(items) - 1, FRAMES).round()]


def _around(frames: Sequence[Measures], *, distinct: bool) -> QualityLimits:
    limits = {
        "min_mean": MEAN_MARGIN * min(frame.mean for frame in frames),
        "max_mean": 1 - MEAN_MARGIN * (1 - max(frame.mean for frame in frames)),
        "max_dark_share": _wider(max(frame.dark_share for frame in frames)),
        "max_bright_share": _wider(max(frame.bright_share for frame in frames)),
        "min_focus": FOCUS_MARGIN * min(frame.focus for frame in frames),
    }
    return QualityLimits(**{name: round(limit, DECIMALS) for name, limit in limits.items()}, refuse_repeats=distinct)


def _wider(share: float) -> float:
    return share + SHARE_MARGIN * (1 - share)
