from collections import Counter

from flawgate_training.sampling import balanced_epoch

LABELS = [False, True, False, False, True, False, False]


def test_alternates() -> None:
    """Defective and good frames take turns, and every defective one comes once."""
    epoch = balanced_epoch(LABELS, epoch=3, seed=0)
    assert [LABELS[index] for index in epoch] == [True, False, True, False]
    assert sorted(epoch[::2]) == [1, 4]


def test_good_frames_are_used_up_before_one_comes_again() -> None:
    """Over any number of epochs, no good frame is shown twice more often than another."""
    shown: Counter[int] = Counter()
    for epoch in range(8):
        shown.update(balanced_epoch(LABELS, epoch=epoch, seed=5)[1::2])
        counts = [shown[index] for index, defective in enumerate(LABELS) if not defective]
        assert max(counts) - min(counts) <= 1


def test_is_a_function_of_epoch_and_seed() -> None:
    """The same epoch and seed give the same order; another epoch or seed gives another one."""
    labels = [index % 3 == 0 for index in range(60)]
    order = balanced_epoch(labels, epoch=2, seed=1)
    assert balanced_epoch(labels, epoch=2, seed=1) == order
    assert balanced_epoch(labels, epoch=3, seed=1) != order
    assert balanced_epoch(labels, epoch=2, seed=2) != order
