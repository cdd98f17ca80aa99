from pathlib import Path

import pytest
from support.picture_folders import cut_off, mask, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import split
from flawgate_training.experiment.data import ImageFolderData, Split


def classes(root: Path, *names: str) -> Path:
    """Two pictures in each class folder."""
    for name in names:
        picture(root / name / "a.jpg")
        picture(root / name / "b.PNG")
    return root


@pytest.mark.parametrize("good", ["good", "OK", "no-defect", "Normal"])
def test_good_comes_first(tmp_path: Path, good: str) -> None:
    """The folder of good parts is known by its name and is the first class; all others are defective."""
    dataset = load(ImageFolderData(), classes(tmp_path, "holes", good, "cuts"))
    assert dataset.classes == (good, "cuts", "holes")
    assert {(item.name.split("/")[0], item.label, item.defective) for item in dataset.items} == {
        (good, 0, False),
        ("cuts", 1, True),
        ("holes", 2, True),
    }


def test_no_good_class(tmp_path: Path) -> None:
    """Where no folder is that of good parts, no class means a bad one."""
    dataset = load(ImageFolderData(), classes(tmp_path, "left", "right"))
    assert (dataset.classes, dataset.masked) == (("left", "right"), False)
    assert not any(item.defective for item in dataset.items)


def test_binary(tmp_path: Path) -> None:
    """All folders but the good one are one class, where that is asked for."""
    dataset = load(ImageFolderData(binary=True, good="a"), classes(tmp_path, "a", "b", "c"))
    assert dataset.classes == ("a", "defective")
    assert [item.label for item in dataset.items] == [0, 0, 1, 1, 1, 1]


def test_groups(tmp_path: Path) -> None:
    """Pictures in a folder within their class's are one part, others a part each; masks beside them are passed over."""
    classes(tmp_path / "good", "part1")
    classes(tmp_path, "good", "bad")
    mask(tmp_path / "bad/a_mask.png", 255)
    assert [(item.name, item.group) for item in load(ImageFolderData(), tmp_path).items] == [
        ("bad/a", "bad/a"),
        ("bad/b", "bad/b"),
        ("good/a", "good/a"),
        ("good/b", "good/b"),
        ("good/part1/a", "good/part1"),
        ("good/part1/b", "good/part1"),
    ]


def test_shipped_split(tmp_path: Path) -> None:
    """Folders train, val and test above the class folders are a division that can be used."""
    for name in ("train", "val", "test"):
        classes(tmp_path / name, "good", "bad")
    data = ImageFolderData(split=Split(shipped=True))
    dataset = load(data, tmp_path)
    assert dataset.classes == ("good", "bad")
    subsets = split(dataset, data)
    folders = [{item.name.split("/")[0] for item in items} for items in subsets.named.values()]
    assert folders == [{"train"}, {"val"}, {"test"}]


def test_own_pictures_are_told_of(tmp_path: Path) -> None:
    """Recipes and model cards call the data by their folder and the weights proprietary."""
    about = load(ImageFolderData(), classes(tmp_path / "seams", "good", "bad")).about
    assert (about.name, about.licence) == ("own pictures of seams", "proprietary")


def test_empty_class(tmp_path: Path) -> None:
    """A class folder without a picture is named."""
    classes(tmp_path, "good", "bad")
    (tmp_path / "worse").mkdir()
    with pytest.raises(InvalidDataset, match=r"Class folders without a picture .*: .*/worse \(1 in all\); fill or"):
        load(ImageFolderData(), tmp_path)


def test_corrupt(tmp_path: Path) -> None:
    """A corrupt picture is named, and left out where that is asked for."""
    cut_off(classes(tmp_path, "good", "bad") / "bad" / "a.jpg")
    with pytest.raises(InvalidDataset, match=r"cannot be read: .*bad/a\.jpg \(.*\) \(1 in all\); .*skip_corrupt=true"):
        load(ImageFolderData(), tmp_path)
    dataset = load(ImageFolderData(skip_corrupt=True), tmp_path)
    assert dataset.skipped == ("bad/a",)
    assert [item.name for item in dataset.items] == ["bad/b", "good/a", "good/b"]


@pytest.mark.parametrize(
    ("names", "data", "sentence"),
    [
        (("good",), ImageFolderData(), "Only one class, good, is in"),
        ((), ImageFolderData(), "No class folder with pictures is in"),
        (("a", "b"), ImageFolderData(good="c"), r"no class folder c in .*; set data\.good to one of a, b"),
        (("a", "b"), ImageFolderData(binary=True), r"data\.binary needs good parts, .* set data\.good to one of a, b"),
        (("good", "ok", "bad"), ImageFolderData(), r"Several folders .*: good, ok; set data\.good"),
        (("train/good", "train/bad", "bad"), ImageFolderData(), r"in no class folder: .*/bad/a\.jpg, .*\(2 in all\)"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, names: tuple[str, ...], data: ImageFolderData, sentence: str) -> None:
    """Folders that make no classes, and settings that do not fit them, are named."""
    with pytest.raises(InvalidDataset, match=sentence):
        load(data, classes(tmp_path, *names))


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """Pictures that differ in their ending only cannot be told apart."""
    picture(classes(tmp_path, "good", "bad") / "bad" / "a.bmp")
    with pytest.raises(InvalidDataset, match=r"Names that several pictures share .*: bad/a \(1 in all\)"):
        load(ImageFolderData(), tmp_path)
