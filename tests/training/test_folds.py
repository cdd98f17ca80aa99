from flawgate_training.datasets.folds import group_folds

GROUPS = [f"part{number:02}" for number in range(20) for _ in range(4)]
DEFECTIVE = [index % 4 == 0 and index < 60 for index in range(80)]


def test_every_frame_is_tested_once() -> None:
    """The test sets share no frame and together are everything; training has the rest."""
    folds = group_folds(GROUPS, DEFECTIVE, count=3, seed=0)
    assert sorted(index for fold in folds for index in fold.test) == list(range(80))
    assert all(sorted(fold.train + fold.test) == list(range(80)) for fold in folds)


def test_groups_stay_whole() -> None:
    """No group is in both the training and the test frames of a fold."""
    for fold in group_folds(GROUPS, DEFECTIVE, count=3, seed=0):
        assert {GROUPS[index] for index in fold.train}.isdisjoint(GROUPS[index] for index in fold.test)


def test_folds_are_even() -> None:
    """Fifteen defects in three folds are five each."""
    folds = group_folds(GROUPS, DEFECTIVE, count=3, seed=4)
    assert [sum(DEFECTIVE[index] for index in fold.test) for fold in folds] == [5, 5, 5]


def test_seed_shuffles() -> None:
    """The same seed gives the same folds, another one others."""
    folds = group_folds(GROUPS, DEFECTIVE, count=3, seed=0)
    assert group_folds(GROUPS, DEFECTIVE, count=3, seed=0) == folds
    assert group_folds(GROUPS, DEFECTIVE, count=3, seed=1) != folds
