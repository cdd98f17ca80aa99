"""Figures from confusion matrices: rows are the truth, columns the answers. Everything works on many matrices at once.

`matrices` is always (..., K, K), float64, 0 and up; results have the leading shape.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Indices = NDArray[np.uint8] | NDArray[np.int64]


def matrix(truth: Indices, answers: Indices, classes: int) -> NDArray[np.int64]:
    """Count pairs.

    Args:
        truth: indices, any shape, below `classes`.
        answers: indices of the same shape.
        classes: K.

    Returns:
        (K, K), int64.
    """
    pairs = truth.reshape(-1).astype(np.int64) * classes + answers.reshape(-1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def accuracy(matrices: Values) -> Values:
    """Share on the diagonal."""
    return _ratio(_hits(matrices).sum(-1), matrices.sum((-2, -1)))


def recalls(matrices: Values) -> Values:
    """(..., K): NaN for a class that does not occur."""
    return _ratio(_hits(matrices), matrices.sum(-1))


def precisions(matrices: Values) -> Values:
    """(..., K): NaN for a class that is never answered."""
    return _ratio(_hits(matrices), matrices.sum(-2))


def f1s(matrices: Values) -> Values:
    """(..., K): 2 TP / (2 TP + FP + FN); NaN for a class that neither occurs nor is answered."""
    return _ratio(2 * _hits(matrices), matrices.sum(-1) + matrices.sum(-2))


def ious(matrices: Values) -> Values:
    """(..., K): TP / (TP + FP + FN); NaN for a class that neither occurs nor is answered."""
    hits = _hits(matrices)
    return _ratio(hits, matrices.sum(-1) + matrices.sum(-2) - hits)


def mean(values: Values) -> Values:
    """(..., K) → (...), over the classes that are defined; NaN where none is."""
    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1).astype(np.float64))


def weighted_f1(matrices: Values) -> Values:
    """F1 of each class, weighed by how often it occurs."""
    occurring = matrices.sum(-1)
    return _ratio((np.nan_to_num(f1s(matrices)) * occurring).sum(-1), occurring.sum(-1))


def mcc(matrices: Values) -> Values:
    """Matthews' correlation coefficient for K classes (Gorodkin 2004), -1 to 1; 0 where a side has one class only."""
    total, hits = matrices.sum((-2, -1)), _hits(matrices).sum(-1)
    truth, answers = matrices.sum(-1), matrices.sum(-2)
    covariance = hits * total - (truth * answers).sum(-1)
    spread = np.sqrt((total**2 - (truth**2).sum(-1)) * (total**2 - (answers**2).sum(-1)))
    return np.nan_to_num(_ratio(covariance, spread))


def majority(occurring: Sequence[int]) -> NDArray[np.int64]:
    """The matrix of always answering the commonest class, of ties the first.

    Args:
        occurring: how often each of K classes occurs.
    """
    trivial = np.zeros((len(occurring), len(occurring)), np.int64)
    trivial[:, int(np.argmax(occurring))] = occurring
    return trivial


def _hits(matrices: Values) -> Values:
    return np.diagonal(matrices, axis1=-2, axis2=-1).astype(np.float64)


def _ratio(part: Values, whole: Values) -> Values:
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
