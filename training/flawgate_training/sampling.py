"""Balanced resampling: as many good frames as defective ones in every epoch (paper d, section 4.1)."""

from collections.abc import Sequence

import numpy as np


def balanced_epoch(defective: Sequence[bool], *, epoch: int, seed: int) -> tuple[int, ...]:
    """Which samples one epoch shows, in order: defective, good, defective, good, ...

    Every defective sample comes once an epoch. Good ones come without replacement across epochs until all were used,
    then again (frequency of use, as in SegDec). A pure function of its
    arguments, so a resumed run goes on as it would have.

    Args:
        defective: label of each sample.
        epoch: 0 or more.
        seed: of the shuffles.

    Returns:
        Positions of samples, twice as many as there are defective ones.
    """
    labels = np.asarray(defective, dtype=bool)
    positives, negatives = np.flatnonzero(labels), np.flatnonzero(~labels)
    count = len(positives)
    shown = [
        _nth_shuffled(negatives, round_, seed)[place]
        for round_, place in (divmod(number, len(negatives)) for number in range(epoch * count, (epoch + 1) * count))
    ]
    order = np.random.default_rng([seed, epoch, 1]).permutation(positives)
    return tuple(int(index) for pair in zip(order, shown, strict=True) for index in pair)


def _nth_shuffled(indices: np.ndarray, round_: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, round_, 0]).permutation(indices)
