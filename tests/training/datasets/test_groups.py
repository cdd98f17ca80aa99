from collections import Counter

import pytest

from flawgate_training.datasets.groups import divide

GROUPS = [f"part{number:02}" for number in range(20) for _ in range(4)]
LABELS = [int(index % 4 == 0 and index < 60) for index in range(80)]


def test_every_frame_is_in_one_part() -> None:
    """The parts share no frame and together are everything."""
    parts = divide(GROUPS, LABELS, shares=(1, 1, 1), seed=0)
    assert sorted(index for part in parts for index in part) == list(range(80))


def test_groups_stay_whole() -> None:
    """No group is in two parts."""
    parts = divide(GROUPS, LABELS, shares=(0.5, 0.3, 0.2), seed=0)
    assert Counter(group for part in parts for group in {GROUPS[index] for index in part}) == Counter(set(GROUPS))


def test_folds_are_even() -> None:
    """Fifteen defects in three folds are five each."""
    parts = divide(GROUPS, LABELS, shares=(1, 1, 1), seed=4)
    assert [sum(LABELS[index] for index in part) for part in parts] == [5, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_shared_out(seed: int) -> None:
    """Of single pictures, each part has its share of every label, to within one."""
    labels = [0] * 1000 + [1] * 150 + [2] * 20
    names = [str(index) for index in range(len(labels))]
    for part, share in zip(divide(names, labels, shares=(0.8, 0.2), seed=seed), (0.8, 0.2), strict=True):
        counts = Counter(labels[index] for index in part)
        assert all(abs(counts[label] - share * labels.count(label)) <= 1 for label in (0, 1, 2))


def test_the_first_part_is_served_first() -> None:
    """The only group of a label goes to the first part: it can be learned, if not judged."""
    rest, _ = divide(["a", "b", "c"], [0, 0, 1], shares=(0.8, 0.2), seed=0)
    assert 2 in rest


def test_seed_shuffles() -> None:
    """The same seed gives the same parts, another one others."""
    parts = divide(GROUPS, LABELS, shares=(1, 1, 1), seed=0)
    assert divide(GROUPS, LABELS, shares=(1, 1, 1), seed=0) == parts
    assert divide(GROUPS, LABELS, shares=(1, 1, 1), seed=1) != parts
