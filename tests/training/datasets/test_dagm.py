from collections.abc import Callable
from pathlib import Path

import pytest
from support.picture_folders import mask, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import split
from flawgate_training.experiment.data import DagmData, Split


def part(folder: Path, *, first: int) -> None:
    """A folder Train or Test of two good pictures and two defective ones."""
    rows = [str(folder.parent.name[-1])]
    for number in range(first, first + 4):
        name = f"{number:04}"
        picture(folder / f"{name}.PNG")
        label = f"{name}_label.PNG" if number % 2 else ""
        rows.append(f"{name}\t{number % 2}\t{name}.PNG\t0\t{label}")
        if label:
            mask(folder / "Label" / label, 255)
    (folder / "Label" / "Labels.txt").write_text("\n".join(rows) + "\n")


def dagm(root: Path, *classes: int, subsets: tuple[str, ...] = ("Train", "Test")) -> Path:
    """A folder DAGM2007."""
    for number in classes:
        for place, subset in enumerate(subsets):
            part(root / "DAGM2007" / f"Class{number}" / subset, first=10 * place)
    return root / "DAGM2007"


@pytest.mark.parametrize("where", [".", "..", "Class1"])
def test_reads_the_published_layout(tmp_path: Path, where: str) -> None:
    """The folder DAGM2007, the one that holds it, and a single class are all accepted."""
    dataset = load(DagmData(), dagm(tmp_path, 1) / where)
    assert [(item.name, item.label) for item in dataset.items[:2]] == [("Class1/Test/0010", 0), ("Class1/Test/0011", 1)]
    assert [item.shipped for item in dataset.items] == ["test"] * 4 + ["train"] * 4


def test_reads_the_classes_asked_for(tmp_path: Path) -> None:
    """Of several classes, those that the experiment names."""
    items = load(DagmData(textures=(2, 6)), dagm(tmp_path, 1, 2, 6)).items
    assert {item.name.split("/")[0] for item in items} == {"Class2", "Class6"}
    assert len(items) == 16


def test_shipped_split(tmp_path: Path) -> None:
    """Train is learned from and Test judged upon, where the split is the shipped one."""
    data = DagmData(split=Split(shipped=True, validation=0))
    subsets = split(load(data, dagm(tmp_path, 1)), data)
    assert {item.name.split("/")[1] for item in subsets.train} == {"Train"}
    assert {item.name.split("/")[1] for item in subsets.test} == {"Test"}


def test_one_subset_alone(tmp_path: Path) -> None:
    """Where only Test is there it can be divided at random, but not as shipped."""
    folder = dagm(tmp_path, 1, subsets=("Test",))
    subsets = split(load(DagmData(), folder), DagmData(split=Split(test=0.5, validation=0)))
    assert (len(subsets.train), len(subsets.test)) == (2, 2)
    with pytest.raises(InvalidDataset, match=r"ships no frames for train; set data\.split\.shipped=false"):
        split(load(DagmData(), folder), DagmData(split=Split(shipped=True)))


def without_list(root: Path) -> None:
    """Labels.txt is missing."""
    (root / "Class1/Test/Label/Labels.txt").unlink()


def without_label(root: Path) -> None:
    """A defective picture has no label."""
    (root / "Class1/Test/Label/0011_label.PNG").unlink()


def without_picture(root: Path) -> None:
    """A picture of the list is missing."""
    (root / "Class1/Test/0010.PNG").unlink()


def with_more_pictures(root: Path) -> None:
    """A picture is not on the list."""
    picture(root / "Class1/Test/0099.PNG")


def with_label_of_good(root: Path) -> None:
    """A good picture has a label."""
    mask(root / "Class1/Test/Label/0010_label.PNG", 255)


def with_another_class(root: Path) -> None:
    """The class is another one."""
    (root / "Class1").rename(root / "Class6")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_list, r"Test/Label/Labels\.txt cannot be read"),
        (without_label, r"Pictures without a mask: .*Class1/Test/0011\.PNG \(1 in all\)"),
        (without_picture, r"Missing pictures of Label/Labels\.txt: .*Class1/Test/0010\.PNG"),
        (with_more_pictures, r"Labels\.txt does not list: .*Class1/Test/0099\.PNG"),
        (with_label_of_good, r"Labels\.txt calls good: .*0010_label\.PNG"),
        (with_another_class, r"not in .*DAGM2007: Class1 \(1 in all\); set data\.textures=\[6\]"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, change: Callable[[Path], None], sentence: str) -> None:
    """Each fault of the folder is one sentence that names the place."""
    root = dagm(tmp_path, 1)
    change(root)
    with pytest.raises(InvalidDataset, match=sentence):
        load(DagmData(), root)


def test_the_real_frames(dagm_folder: Path) -> None:
    """Of the 200 test pictures of class 1 that are here, 23 are defective."""
    part_of_it = [item for item in load(DagmData(), dagm_folder).items if item.shipped == "test"][:200]
    assert (len(part_of_it), sum(item.defective for item in part_of_it)) == (200, 23)
