"""Splits for cross-validation that never part what belongs together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fold:
    """Positions of samples, ascending.

    Attributes:
        train: to learn from.
        test: to be judged upon; no group is in both.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]


def group_folds(groups: Sequence[str], defective: Sequence[bool], *, count: int, seed: int) -> tuple[Fold, ...]:
    """Split by group, so that each fold tests about the same number of defects and of frames.

    Groups are shuffled; each then goes to the fold with the fewest defects so far, ties to that with the fewest frames.

    Args:
        groups: group of each sample.
        defective: label of each sample.
        count: number of folds.
        seed: of the shuffle.

    Returns:
        One `Fold` for each of `count`; every sample is tested in exactly one.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    names = np.random.default_rng(seed).permutation(sorted(members))
    tests: list[list[int]] = [[] for _ in range(count)]
    for name in names:
        smallest = min(tests, key=lambda test: (sum(defective[index] for index in test), len(test)))
        smallest += members[str(name)]
    everything = set(range(len(groups)))
    return tuple(Fold(tuple(sorted(everything - set(test))), tuple(sorted(test))) for test in tests)
