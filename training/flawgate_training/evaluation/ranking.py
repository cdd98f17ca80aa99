"""Average precision and AUROC from counts in order of score: exact, of ties too, and for many weightings at once.

The counts are those of a threshold that sinks past one score after the other; frames of equal score fall together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Frames or pixels in order of score, highest first.

    Attributes:
        order: (n,), positions in the order given.
        starts: (m,), first place within `order` of each of m distinct scores.
        scores: (m,), the distinct scores, falling.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    scores: Counts

    @classmethod
    def of(cls, scores: Counts) -> "Ranking":
        """Rank `scores`, (n,), n at least 1."""
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        starts = np.flatnonzero(np.concatenate([[True], np.diff(falling) != 0]))
        return cls(order, starts, falling[starts])

    def totals(self, weights: Counts) -> Counts:
        """Weights, (..., n), in the order given → their sums per distinct score, (..., m)."""
        return np.asarray(np.add.reduceat(weights[..., self.order], self.starts, axis=-1))


def average_precision(positives: Counts, negatives: Counts) -> Counts:
    """Sum over scores of the precision there times the gain in recall: no interpolation, as scikit-learn does.

    Args:
        positives: (..., m), float64: defective ones at each score, highest score first.
        negatives: (..., m), float64: good ones.

    Returns:
        (...), 0–1; NaN where there is no defective one.
    """
    found, alarms = positives.cumsum(-1), (positives + negatives).cumsum(-1)
    precision = np.divide(found, alarms, out=np.zeros_like(found), where=alarms > 0)
    return _ratio((precision * positives).sum(-1), positives.sum(-1))


def auroc(positives: Counts, negatives: Counts) -> Counts:
    """Share of (defective, good) pairs in the right order; equal scores count half.

    Args:
        positives: see `average_precision`.
        negatives: see `average_precision`.

    Returns:
        (...), 0–1; NaN where there is no defective or no good one.
    """
    before = positives.cumsum(-1) - positives
    in_order = (negatives * (before + positives / 2)).sum(-1)
    return _ratio(in_order, positives.sum(-1) * negatives.sum(-1))


def _ratio(part: Counts, whole: Counts) -> Counts:
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
