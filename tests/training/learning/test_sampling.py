from collections import Counter
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.experiment.training import Sampler, Stage
from flawgate_training.learning.sampling import (
    alternate,
    class_balanced,
    epoch_order,
    frequency_of_use,
    hard_negatives,
    shuffled,
)

DEFECTIVE = [False, True, False, False, True, False, False]
LABELS = [0] * 12 + [1] * 3 + [2] * 5


def stage(sampler: str, repeats: int = 1) -> Stage:
    """A stage of this sampler."""
    return Stage.model_validate(
        {
            "epochs": 1,
            "batch_size": 1,
            "loss": {"name": "bce"},
            "sampler": sampler,
            "repeats": repeats,
            "learning_rate": 1,
        }
    )


@pytest.mark.parametrize("sampler", [alternate, frequency_of_use])
def test_takes_turns(sampler: Callable[..., Sequence[int]]) -> None:
    """Defective and good frames take turns, and every defective one comes once."""
    order = list(sampler(DEFECTIVE, number=3, seed=0))
    assert [DEFECTIVE[index] for index in order] == [True, False, True, False]
    assert sorted(order[::2]) == [1, 4]


def test_good_frames_are_used_up_before_one_comes_again() -> None:
    """Over any number of rounds, no good frame is shown twice more often than another."""
    shown: Counter[int] = Counter()
    for number in range(8):
        shown.update(frequency_of_use(DEFECTIVE, number=number, seed=5)[1::2].tolist())
        counts = [shown[index] for index, defective in enumerate(DEFECTIVE) if not defective]
        assert max(counts) - min(counts) <= 1


def test_doubtful_good_frames_come_more_often() -> None:
    """Three of four good frames go by doubt, the others in turn, so that none is left out."""
    defective, doubts = [True] * 4 + [False] * 20, [0.0] * 24
    doubts[7], doubts[11] = 0.9, 0.3
    shown: Counter[int] = Counter()
    for number in range(40):
        order = hard_negatives(defective, doubts, number=number, seed=5).tolist()
        assert sorted(order[::2]) == [0, 1, 2, 3]
        shown.update(order[1::2])
    assert set(shown) == set(range(4, 24))
    assert sum(shown.values()) == 160
    assert 90 <= shown[7] <= 120  # of 120 by doubt, and 2 in turn
    assert 4 <= shown[11] <= 30
    assert all(shown[index] <= 6 for index in range(4, 24) if doubts[index] == 0)


def test_without_doubts_hard_negatives_are_any() -> None:
    """Where nothing is known of the frames all of them are alike."""
    order = epoch_order(stage("hard_negatives"), [0] * 7, DEFECTIVE, epoch=1, seed=0)
    assert [DEFECTIVE[index] for index in order] == [True, False, True, False]


def test_alternate_draws_good_frames_at_random() -> None:
    """Within a round no good frame comes twice; from round to round they come as chance will have it."""
    rounds = [alternate(DEFECTIVE, number=number, seed=5)[1::2].tolist() for number in range(60)]
    assert all(len(set(good)) == 2 for good in rounds)
    assert {good for pair in rounds for good in pair} == {0, 2, 3, 5, 6}
    assert any(set(one) & set(other) for one, other in zip(rounds[::2], rounds[1::2], strict=True))


@pytest.mark.parametrize("sampler", [alternate, frequency_of_use])
def test_more_defective_than_good(sampler: Callable[..., Sequence[int]]) -> None:
    """Where good frames are few, they come again, as evenly as can be."""
    order = list(sampler([True] * 7 + [False] * 3, number=0, seed=0))
    assert sorted(order[::2]) == list(range(7))
    assert sorted(Counter(order[1::2]).values()) == [2, 2, 3]


@pytest.mark.parametrize("defective", [[True, True], [False, False]])
@pytest.mark.parametrize("sampler", [alternate, frequency_of_use])
def test_one_kind_alone(sampler: Callable[..., Sequence[int]], defective: list[bool]) -> None:
    """Turns without frames of both kinds are refused, and another sampler is named."""
    with pytest.raises(InvalidDataset, match="choose the sampler shuffled"):
        sampler(defective, number=0, seed=0)


def test_classes_come_equally_often() -> None:
    """Every class comes equally often in every round, and its frames equally often over the rounds."""
    shown: Counter[int] = Counter()
    for number in range(6):
        order = class_balanced(LABELS, number=number, seed=1).tolist()
        assert Counter(LABELS[index] for index in order) == {0: 7, 1: 7, 2: 7}
        shown.update(order)
    for label in range(3):
        counts = [shown[index] for index, other in enumerate(LABELS) if other == label]
        assert max(counts) - min(counts) <= 1


def test_classes_are_mixed() -> None:
    """The classes do not come one after the other."""
    classes = [LABELS[index] for index in class_balanced(LABELS, number=0, seed=1)]
    assert classes != sorted(classes)


def test_shuffled_shows_every_frame_once() -> None:
    """Every frame comes once, in another order each time."""
    first, second = (shuffled(20, number=number, seed=0).tolist() for number in (0, 1))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_is_a_function_of_epoch_and_seed(sampler: str) -> None:
    """The same epoch and seed give the same order; another epoch or seed gives another one, equally long."""
    labels = [int(index % 3 == 0) for index in range(60)]

    def order(epoch: int, seed: int) -> tuple[int, ...]:
        return epoch_order(stage(sampler), labels, list(map(bool, labels)), epoch=epoch, seed=seed)

    assert order(2, 1) == order(2, 1)
    assert len({order(2, 1), order(3, 1), order(2, 2)}) == 3
    assert len({len(order(epoch, 0)) for epoch in range(5)}) == 1


def test_repeats_are_further_rounds() -> None:
    """An epoch of three repeats shows what three epochs without would show."""
    labels = np.zeros(9, int).tolist()
    defective = [False] * 9
    whole = epoch_order(stage("shuffled", 3), labels, defective, epoch=1, seed=0)
    parts = [epoch_order(stage("shuffled"), labels, defective, epoch=epoch, seed=0) for epoch in (3, 4, 5)]
    assert whole == sum(parts, ())


def test_no_frame() -> None:
    """Nothing to learn from is said, not divided by."""
    with pytest.raises(InvalidDataset, match="no frame to learn from"):
        epoch_order(stage("shuffled"), [], [], epoch=0, seed=0)
