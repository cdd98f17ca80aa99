"""In which order an epoch shows its frames: pure functions, so that a resumed run goes on as it would have."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.experiment.training import Stage

Positions = NDArray[np.int64]
"""Positions of frames, (n,), int64."""

_ROUNDS, _ORDER, _MIX, _HARD = range(4)
"""What a shuffle is for: each purpose has draws of its own."""

_LEAST_DOUBT = 0.02
"""What a good frame counts at least among the hard ones; else what is clear once would never be drawn."""


def epoch_order(
    stage: Stage,
    labels: Sequence[int],
    defective: Sequence[bool],
    *,
    epoch: int,
    seed: int,
    doubts: Sequence[float] | None = None,
) -> tuple[int, ...]:
    """Which frames an epoch of a stage shows, in order; as long in every epoch.

    Args:
        stage: its sampler, and how often an epoch repeats it.
        labels: of each frame, index of a class.
        defective: whether each frame is.
        epoch: 0 or more.
        seed: of the shuffles.
        doubts: see `hard_negatives`; None: all frames are alike to it.

    Returns:
        Positions of frames.

    Raises:
        InvalidDataset: there are no frames, or the sampler needs good and defective ones and one kind is missing.
    """
    if not labels:
        raise InvalidDataset("There is no frame to learn from; give the data set more frames, or its split fewer away.")
    rounds = range(epoch * stage.repeats, (epoch + 1) * stage.repeats)
    samplers: dict[str, Callable[..., Positions]] = {
        "alternate": partial(alternate, defective),
        "frequency_of_use": partial(frequency_of_use, defective),
        "hard_negatives": partial(hard_negatives, defective, doubts or [0.0] * len(defective)),
        "class_balanced": partial(class_balanced, labels),
        "shuffled": partial(shuffled, len(labels)),
    }
    sampler = samplers[stage.sampler]
    return tuple(int(position) for number in rounds for position in sampler(number=number, seed=seed))


def alternate(defective: Sequence[bool], *, number: int, seed: int) -> Positions:
    """Defective, good, defective, good, ...: every defective frame once, good ones at random (paper d, section 3.2).

    Args:
        defective: whether each frame is.
        number: of the round, 0 or more.
        seed: of the shuffles.

    Returns:
        Twice as many positions as there are defective frames. A good frame comes again in a round only where there are
        fewer good than defective ones.

    Raises:
        InvalidDataset: no frame is defective, or none good.
    """
    bad, good = _kinds(defective)
    repeated = -(-len(bad) // len(good))
    rng = np.random.default_rng([seed, number, _MIX])
    drawn = np.concatenate([rng.permutation(good) for _ in range(repeated)])[: len(bad)]
    return _in_turns(_shuffled(bad, number, seed, _ORDER), drawn)


def frequency_of_use(defective: Sequence[bool], *, number: int, seed: int) -> Positions:
    """As `alternate`, but good frames come in turn: none again before all were shown, over all rounds (SegDec).

    Args:
        defective: whether each frame is.
        number: of the round, 0 or more.
        seed: of the shuffles.

    Raises:
        InvalidDataset: no frame is defective, or none good.
    """
    bad, good = _kinds(defective)
    return _in_turns(_shuffled(bad, number, seed, _ORDER), _in_turn(good, len(bad), number, seed))


def hard_negatives(defective: Sequence[bool], doubts: Sequence[float], *, number: int, seed: int) -> Positions:
    """As `frequency_of_use`, but three of four good frames are drawn by how much a network doubted them.

    Hard-negative mining: of hundreds of good frames a few look defective, and in turn each of them comes once in many
    rounds. A frame is drawn with a probability that grows with the square of its doubt.

    Args:
        defective: whether each frame is.
        doubts: of each frame, 0–1: the score that a network gave it.
        number: of the round, 0 or more.
        seed: of the shuffles.

    Raises:
        InvalidDataset: no frame is defective, or none good.
    """
    bad, good = _kinds(defective)
    shares = np.maximum(np.asarray(doubts, dtype=np.float64)[good], _LEAST_DOUBT) ** 2
    rng = np.random.default_rng([seed, number, _HARD])
    hard = rng.choice(good, 3 * len(bad) // 4, p=shares / shares.sum())
    rest = _in_turn(good, len(bad) - len(hard), number, seed)
    return _in_turns(_shuffled(bad, number, seed, _ORDER), rng.permutation(np.concatenate([hard, rest])))


def class_balanced(labels: Sequence[int], *, number: int, seed: int) -> Positions:
    """Every class equally often, in mixed order; the frames of a class in turn, over all rounds.

    Args:
        labels: of each frame, index of a class.
        number: of the round, 0 or more.
        seed: of the shuffles.

    Returns:
        As many positions as there are frames, rounded up to a multiple of the number of classes.
    """
    table = np.asarray(labels)
    classes = np.unique(table)
    share = -(-len(table) // len(classes))
    drawn = [_in_turn(np.flatnonzero(table == label), share, number, seed) for label in classes]
    return _shuffled(np.concatenate(drawn), number, seed, _MIX)


def shuffled(count: int, *, number: int, seed: int) -> Positions:
    """Every frame once.

    Args:
        count: of the frames.
        number: of the round, 0 or more.
        seed: of the shuffle.
    """
    return _shuffled(np.arange(count), number, seed, _ORDER)


def _kinds(defective: Sequence[bool]) -> tuple[Positions, Positions]:
    table = np.asarray(defective, dtype=bool)
    bad, good = np.flatnonzero(table), np.flatnonzero(~table)
    if not len(bad) or not len(good):
        raise InvalidDataset(
            f"To show good and defective frames in turn takes both, but of the {len(table)} to learn from "
            f"{len(bad)} are defective; add some of the other kind, or choose the sampler shuffled or class_balanced."
        )
    return bad, good


def _in_turns(first: Positions, second: Positions) -> Positions:
    return np.stack([first, second], axis=1).reshape(-1)


def _in_turn(positions: Positions, count: int, number: int, seed: int) -> Positions:
    """The next `count` of an endless row of shuffles of the same positions."""
    begin, end = number * count, (number + 1) * count
    passes = range(begin // len(positions), -(-end // len(positions)))
    row = np.concatenate([_shuffled(positions, number_, seed, _ROUNDS) for number_ in passes])
    skipped = begin % len(positions)
    return row[skipped : skipped + count]


def _shuffled(positions: Positions, number: int, seed: int, purpose: int) -> Positions:
    return np.random.default_rng([seed, number, purpose]).permutation(positions)
