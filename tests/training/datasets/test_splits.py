import re
from dataclasses import replace

import pytest

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Dataset, Item, Subset
from flawgate_training.datasets.splits import split
from flawgate_training.datasets.texture import TextureSource
from flawgate_training.experiment.data import ImageFolderData, Split

ABOUT = About("tiny", "Tiny", "nobody", "Apache-2.0", "None.")


def item(number: int, *, group: str | None = None, shipped: Subset | None = None) -> Item:
    """A frame, every second one defective; never read."""
    name = f"{number:03}"
    bad = number % 2
    return Item(name, group or name, bad, bool(bad), name, TextureSource(number, "knit"), shipped)


def data(**settings: float | bool) -> ImageFolderData:
    """An experiment's word on its data."""
    return ImageFolderData(split=Split.model_validate(settings))


def tiny(*items: Item) -> Dataset:
    """A data set of these frames."""
    return Dataset(ABOUT, ("good", "bad"), items, masked=False)


FORTY = tiny(*(item(number, group=f"part{number // 2}") for number in range(40)))


def test_random_split() -> None:
    """Shares are of all frames for the test, then of the rest for validation; no part is in two subsets."""
    subsets = split(FORTY, data(test=0.2, validation=0.25))
    assert [len(items) for items in subsets.named.values()] == [24, 8, 8]
    groups = [{one.group for one in items} for items in subsets.named.values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 20


@pytest.mark.parametrize("fold", range(4))
def test_folds(fold: int) -> None:
    """A fold is judged upon, and validation comes from the rest."""
    subsets = split(FORTY, data(folds=4, fold=fold, validation=0.2))
    assert [len(items) for items in subsets.named.values()] == [24, 6, 10]


def test_every_frame_is_tested_in_one_fold() -> None:
    """The folds together judge every frame once."""
    tested = [one.name for fold in range(4) for one in split(FORTY, data(folds=4, fold=fold)).test]
    assert sorted(tested) == [one.name for one in FORTY.items]


def test_everything_is_learned_from() -> None:
    """With folds but none of them chosen, nothing is held out for the test."""
    subsets = split(FORTY, data(folds=4, validation=0))
    assert [len(items) for items in subsets.named.values()] == [40, 0, 0]


def test_seed() -> None:
    """Another seed gives another division."""
    assert split(FORTY, data(seed=1)) == split(FORTY, data(seed=1)) != split(FORTY, data(seed=2))


def test_shipped() -> None:
    """The data set's own division is used, and validation parted from training where none is shipped."""
    items = [item(number, shipped="train" if number < 8 else "test") for number in range(12)]
    subsets = split(tiny(*items), data(shipped=True))
    assert [len(inside) for inside in subsets.named.values()] == [6, 2, 4]
    assert [one.name for one in subsets.test] == ["008", "009", "010", "011"]


@pytest.mark.parametrize(
    ("items", "settings", "sentence"),
    [
        (FORTY.items, {"shipped": True}, "ships no frames for train and test; set data.split.shipped=false"),
        (FORTY.items[:2], {}, "No frame is left for validation and test: the data set has 1 groups (parts)"),
        (FORTY.items[:4], {"folds": 3, "fold": 2, "validation": 0}, "No frame is left for test: the data set has 2"),
        (
            [item(0, shipped="train"), item(1, shipped="test"), item(2)],
            {"shipped": True},
            "ships in no subset: 002 (1 in all)",
        ),
        (
            [item(0, shipped="train", group="a"), item(1, shipped="test", group="a")],
            {"shipped": True},
            "frames in two subsets: a (1 in all)",
        ),
    ],
)
def test_impossible_splits(items: list[Item], settings: dict[str, float | bool], sentence: str) -> None:
    """A subset without frames, or a part in two subsets, is an error that says what to do."""
    with pytest.raises(InvalidDataset, match=re.escape(sentence)):
        split(tiny(*items), data(**settings))


def test_the_order_is_the_data_sets() -> None:
    """Subsets keep the order of the data set, whatever the groups are called."""
    renamed = tiny(*(replace(one, group=one.group[::-1]) for one in FORTY.items))
    for items in split(renamed, data()).named.values():
        assert [one.name for one in items] == sorted(one.name for one in items)
