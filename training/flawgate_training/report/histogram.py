"""The histogram of scores: columns grow narrower towards the threshold, where it matters which side a frame is on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flawgate_training.evaluation.predictions import Prediction

_BELOW = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95)
_ABOVE = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Edges of the columns: shares of the way to the threshold, and from it to the highest score."""

_LOG_FROM = 20
"""Heights are logarithmic where the fullest column holds so many times as many frames as the emptiest."""


@dataclass(frozen=True)
class Bar:
    """Frames of one kind in a column. `share`: of the full height, 0–1."""

    count: int
    share: float


@dataclass(frozen=True)
class Column:
    """A range of scores, from `low` up to (but not including) `high`; the last one includes it."""

    low: str
    high: str
    good: Bar
    defective: Bar
    alarm: bool


@dataclass(frozen=True)
class Histogram:
    """All columns, by score."""

    columns: tuple[Column, ...]
    threshold: str
    logarithmic: bool


def histogram(predictions: Sequence[Prediction], threshold: float) -> Histogram:
    """Count good and defective frames by score.

    Args:
        predictions: at least one.
        threshold: score from which a frame is NOT_OK, 0–1.
    """
    edges = _edges(threshold, max(prediction.score for prediction in predictions))
    kinds = [[each.score for each in predictions if each.defective is kind] for kind in (False, True)]
    counts = np.stack([np.histogram(scores, edges)[0] for scores in kinds])
    logarithmic = bool(counts.max() >= _LOG_FROM * counts[counts > 0].min())
    bars = [
        [Bar(int(count), _share(int(count), int(counts.max()), logarithmic=logarithmic)) for count in row]
        for row in counts
    ]
    told = [f"{edge:.3g}" for edge in edges]
    columns = tuple(
        Column(low, high, good, defective, alarm=start >= threshold)
        for low, high, start, good, defective in zip(told, told[1:], edges, *bars, strict=False)
    )
    return Histogram(columns, f"{threshold:.4g}", logarithmic)


def _edges(threshold: float, highest: float) -> list[float]:
    """Ascending; the threshold is one of them, the last is above it and no score is higher."""
    probability = threshold >= 0.5 or highest > 0.5
    end = 1.0 if probability else max(highest, threshold * 1.5, 1e-6)
    below = [share * threshold for share in _BELOW] if threshold > 0 else []
    above = [threshold + share * (end - threshold) for share in _ABOVE] if threshold < end else [threshold, threshold]
    return below + above


def _share(count: int, most: int, *, logarithmic: bool) -> float:
    if not logarithmic:
        return count / most
    return math.log1p(count) / math.log1p(most)
