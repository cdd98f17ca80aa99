"""How far what is seen now has moved from what was seen before: the population stability index.

PSI = Σ (a − e) · ln(a / e) over bins, where e is a bin's share of the reference and a its share of what is seen now
(N. Siddiqi, Credit Risk Scorecards, 2006). By convention, not by theory, below 0.1 nothing has changed, and above 0.25
something has. By chance alone it is (bins − 1) · (1/n + 1/m) on average for n and m frames of the very same kind
(B. Yurdakul, Statistical Properties of Population Stability Index, 2018): 0.06 for ten bins, 500 and 200 frames.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import log

import numpy as np

from flawgate_contracts.reference import MAX_BINS, Distribution, Feature
from flawgate_imaging.quality import DECIMALS

STABLE = 0.1
"""PSI below which nothing has changed, by convention."""

SHIFTED = 0.25
"""PSI above which something has changed, by convention."""

FLOOR = 1e-4
"""An empty bin counts as if it held this share, since its logarithm would be infinite."""

MIN_FRAMES = 50
"""Fewer are no reference: of two bins, chance alone would move the index by 0.025, and often by much more."""

FRAMES_PER_BIN = 40
"""Of the reference: fewer frames get fewer bins, for the sake of the same."""

RESOLUTION: Mapping[Feature, float] = {
    "score": 0.01,
    "mean": 0.004,
    "dark_share": 0.01,
    "bright_share": 0.01,
    "focus": 1.0,
}
"""No bin is narrower: scores of good parts are often all but 0, and a thousandth more is nobody's alarm. Of the mean it
is one grey level of 255."""

_OF_THRESHOLD = 50
_LEAST_WIDTH = 10.0**-DECIMALS


def resolution(feature: Feature, threshold: float) -> float:
    """The least width of a feature's bins.

    Args:
        feature: which.
        threshold: of the recipe, 0 to 1. Residuals are small: of a score it is a fiftieth of it, if that is less.
    """
    if feature != "score":
        return RESOLUTION[feature]
    return max(_LEAST_WIDTH, min(RESOLUTION[feature], threshold / _OF_THRESHOLD))


def distribution(values: Sequence[float], width: float) -> Distribution:
    """How a feature is distributed: in bins that hold equally many values, as far as it has so many different ones.

    Where nearly all values are the same, there are three bins: what is below, these values, and what is above.

    Args:
        values: of the reference, at least one, finite; rounded to `DECIMALS`, as scores and measures are.
        width: the least of a bin, see `resolution`.
    """
    known = np.asarray(values, np.float64).round(DECIMALS)
    cuts = _cuts(known, width)
    outer = (min(float(known.min()), cuts[0] - width), max(float(known.max()), cuts[-1] + width))
    shares = np.bincount(np.searchsorted(cuts, known, side="right"), minlength=len(cuts) + 1) / len(known)
    edges = (round(outer[0], DECIMALS), *cuts, round(outer[1], DECIMALS))
    return Distribution(edges=edges, shares=tuple(shares.round(DECIMALS).tolist()))


def _cuts(values: np.ndarray[tuple[int], np.dtype[np.float64]], width: float) -> list[float]:
    """Between bins: quantiles, each so far above the one before, or above the least value, that a bin fits."""
    bins = min(MAX_BINS, max(2, len(values) // FRAMES_PER_BIN))
    cuts: list[float] = []
    below = float(values.min())
    for quantile in np.quantile(values, np.arange(1, bins) / bins).tolist():
        if quantile - below >= width:
            below = round(quantile, DECIMALS)
            cuts.append(below)
    middle = float(np.median(values))
    return cuts or [round(middle - width, DECIMALS), round(middle + width, DECIMALS)]


def place(value: float, reference: Distribution) -> int:
    """The number of the bin that a value belongs to, from 0."""
    return bisect_right(reference.edges, value, 1, len(reference.shares)) - 1


def psi(counts: Sequence[int], reference: Distribution) -> float:
    """The population stability index, 0 upwards.

    Args:
        counts: how many values lie in each bin of the reference; at least one in all.
        reference: what they are held against.
    """
    seen = sum(counts)
    actual = (max(count / seen, FLOOR) for count in counts)
    expected = (max(share, FLOOR) for share in reference.shares)
    return sum((a - e) * log(a / e) for a, e in zip(actual, expected, strict=True))
