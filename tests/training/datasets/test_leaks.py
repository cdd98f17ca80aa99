from pathlib import Path

import pytest
from PIL import Image
from support.picture_folders import picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.leaks import find
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import Subsets, split
from flawgate_training.experiment.data import ImageFolderData, Split

SHIPPED = ImageFolderData(split=Split(shipped=True, validation=0))


def folders(root: Path) -> Path:
    """Train and test of two classes."""
    for subset in ("train", "test"):
        for name in ("good", "bad"):
            picture(root / subset / name / f"{subset}.png")
    return root


def subsets_of(root: Path) -> Subsets:
    """Indexed and divided as shipped."""
    return split(load(SHIPPED, root), SHIPPED)


def test_no_leak(tmp_path: Path) -> None:
    """Different pictures pass, and so do the same ones within a subset."""
    root = folders(tmp_path)
    (root / "train/good/again.png").write_bytes((root / "train/good/train.png").read_bytes())
    find(subsets_of(root))


def test_the_same_pixels_in_another_file(tmp_path: Path) -> None:
    """A picture that was saved anew under another name and format is known again."""
    root = folders(tmp_path)
    Image.open(root / "train/bad/train.png").save(root / "test/bad/copy.bmp")
    with pytest.raises(InvalidDataset, match=r"two subsets: train: train/bad/train = test: test/bad/copy \(1 in all\)"):
        find(subsets_of(root))


def test_ten_are_named_and_all_counted(tmp_path: Path) -> None:
    """Of many shared pictures, ten pairs are named."""
    root = folders(tmp_path)
    for number in range(12):
        copied = picture(root / f"train/good/{number:02}.png")
        (root / f"test/good/{number:02}.png").write_bytes(copied.read_bytes())
    with pytest.raises(InvalidDataset, match=r"\(12 in all\)") as caught:
        find(subsets_of(root))
    assert caught.value.message.count(" = ") == 10
