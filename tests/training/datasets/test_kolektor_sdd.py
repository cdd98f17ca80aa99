from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support.picture_folders import cut_off, mask, picture, save

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.kolektor_sdd import TWINS
from flawgate_training.datasets.leaks import find
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import Subsets, split
from flawgate_training.experiment.data import KolektorData, Split

FOLDS = (
    "2d48fdcdb7cfe3ccbe23f50677bd171b937999f1859606bd224fa3c8a59b14c3",
    "f948175c34f2dc78cdc8404319d4e351707ab5316a9a9eaa584f39dbba5fa5ad",
    "e3c9d61d40174ce2e016d50283fcbd1ef4cc633b59016097e7d3199d6489e9e1",
)
"""SHA-256 over the names of each fold's test frames, one a line, in order."""


def fold(number: int) -> KolektorData:
    """The split that published figures are pooled over."""
    return KolektorData(split=Split(folds=3, fold=number, validation=0))


def folder_of_two(root: Path, *, suffix: str = "bmp", mark: int = 1) -> Path:
    """Two frames of one commutator; the second one is defective."""
    picture(root / "kos26" / "Part0.jpg")
    picture(root / "kos26" / "Part1.jpg")
    mask(root / "kos26" / f"Part0_label.{suffix}")
    mask(root / "kos26" / f"Part1_label.{suffix}", mark)
    return root


@pytest.mark.parametrize("suffix", ["bmp", "png"])
@pytest.mark.parametrize("mark", [1, 255])
def test_reads_the_published_layout(tmp_path: Path, suffix: str, mark: int) -> None:
    """Labels are BMP or PNG, of any mark above 0, and read as index 1; kos26 is grouped with kos01."""
    dataset = load(KolektorData(), folder_of_two(tmp_path, suffix=suffix, mark=mark))
    assert dataset.classes == ("background", "defect")
    assert [(item.name, item.group, item.label, item.defective) for item in dataset.items] == [
        ("kos26/Part0", "kos01", 0, False),
        ("kos26/Part1", "kos01", 1, True),
    ]
    masks = [item.source.read().mask for item in dataset.items]
    assert [int(np.sum(one)) for one in masks if one is not None] == [0, 16]


def without_folder(root: Path) -> None:
    """The folder is elsewhere."""
    root.rename(root.with_name("elsewhere"))


def without_frames(root: Path) -> None:
    """The folder is empty."""
    for path in root.glob("kos26/*"):
        path.unlink()


def without_label(root: Path) -> None:
    """A label is missing."""
    (root / "kos26" / "Part1_label.bmp").unlink()


def without_frame(root: Path) -> None:
    """A frame is missing."""
    (root / "kos26" / "Part1.jpg").unlink()


def with_other_size(root: Path) -> None:
    """A label has one row too many."""
    save(root / "kos26" / "Part1_label.bmp", np.ones((21, 30), np.uint8))


def with_damage(root: Path) -> None:
    """A frame is cut off."""
    cut_off(root / "kos26" / "Part1.jpg")


def without_defects(root: Path) -> None:
    """No label marks anything."""
    mask(root / "kos26" / "Part1_label.bmp")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_folder, "There is no folder .*data; give the one"),
        (without_frames, r"No frame kosNN/PartN\.jpg is under .*data; give"),
        (without_label, r"Pictures without a mask: .*kos26/Part1\.jpg \(1 in all\); restore"),
        (without_frame, r"Masks without a picture: .*kos26/Part1_label\.bmp \(1 in all\); restore"),
        (with_other_size, r"another size .*: .*Part1_label\.bmp \(21×30, its picture 20×30\)"),
        (with_damage, r"Pictures that cannot be read: .*Part1\.jpg \(.*\) \(1 in all\); repair or remove"),
        (without_defects, "No mask in .*data marks anything"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, change: Callable[[Path], None], sentence: str) -> None:
    """Each fault of the folder is one sentence that names the place."""
    root = folder_of_two(tmp_path / "data")
    change(root)
    with pytest.raises(InvalidDataset, match=sentence):
        load(KolektorData(), root)


@pytest.fixture(scope="module")
def real(kolektor_folder: Path) -> Dataset:
    """The real data set."""
    return load(KolektorData(), kolektor_folder)


def test_the_real_one_is_complete(real: Dataset) -> None:
    """KolektorSDD has 399 frames of 50 commutators, two of them twice, 52 frames defective."""
    assert len(real.items) == 399
    assert sum(item.defective for item in real.items) == 52
    assert len({item.name.split("/")[0] for item in real.items}) == 50
    assert len({item.group for item in real.items}) == 48


def test_twins_are_the_same_frames(kolektor_folder: Path) -> None:
    """What is declared a repeated commutator repeats the other one's frames, byte for byte."""
    for twin, original in TWINS.items():
        digests = [
            Counter(sha256(path.read_bytes()).hexdigest() for path in (kolektor_folder / name).glob("*.jpg"))
            for name in (twin, original)
        ]
        assert digests[0] == digests[1]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_folds_stay_what_they_were(real: Dataset, number: int) -> None:
    """The folds are those that published figures were measured on; no picture is in both of their subsets."""
    subsets = split(real, fold(number))
    find(subsets)
    assert len(subsets.train) + len(subsets.test) == 399
    names = "\n".join(item.name for item in subsets.test)
    assert sha256(names.encode()).hexdigest() == FOLDS[number]


def test_twins_apart_would_be_a_leak(real: Dataset) -> None:
    """Learning from a commutator and judging its twin is found out."""
    original, twin = (tuple(item for item in real.items if item.name.startswith(name)) for name in ("kos01", "kos26"))
    with pytest.raises(InvalidDataset, match="train: kos01/Part0 = test: kos26/"):
        find(Subsets(original, (), twin))
