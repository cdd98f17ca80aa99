from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.picture_folders import HEIGHT, WIDTH, cut_off, mask, picture, save

from flawgate_contracts.errors import InvalidDataset, InvalidExperiment
from flawgate_training.datasets.loading import load
from flawgate_training.datasets.splits import split
from flawgate_training.experiment.data import ImageMaskFolderData, Split


def apart(root: Path) -> Path:
    """images/, masks/ and good/: two marked pictures and a good one."""
    for name in ("a", "b"):
        picture(root / "images" / f"{name}.jpg")
        mask(root / "masks" / f"{name}.png", 255)
    picture(root / "good" / "c.jpg")
    return root


def beside(root: Path) -> Path:
    """Masks beside their pictures, in two of the ways to call them."""
    picture(root / "a.jpg")
    mask(root / "a_mask.png", 255)
    picture(root / "b.png")
    mask(root / "b_GT.tif", 255)
    picture(root / "good" / "c.bmp")
    return root


@pytest.mark.parametrize("layout", [apart, beside])
def test_both_layouts(tmp_path: Path, layout: Callable[[Path], Path]) -> None:
    """Masks are found in a folder of their own and beside the pictures; what lies in `good` needs none."""
    dataset = load(ImageMaskFolderData(), layout(tmp_path))
    assert (dataset.classes, dataset.masked) == (("background", "defect"), True)
    assert [(item.name, item.label, item.defective) for item in dataset.items] == [
        ("a", 1, True),
        ("b", 1, True),
        ("good/c", 0, False),
    ]
    shapes = [one.shape for item in dataset.items if (one := item.source.read().mask) is not None]
    assert shapes == [(HEIGHT, WIDTH)] * 3


def test_classes(tmp_path: Path) -> None:
    """Values are indices of the classes named, and a frame's class is that of most of its marked pixels."""
    apart(tmp_path)
    mask(tmp_path / "masks/b.png", 1, 2, 2)
    mask(tmp_path / "masks/a.png", 1)
    dataset = load(ImageMaskFolderData(classes=("dent", "hole")), tmp_path)
    assert dataset.classes == ("background", "dent", "hole")
    assert [item.label for item in dataset.items] == [1, 2, 0]


def test_value_beyond_the_classes(tmp_path: Path) -> None:
    """A value that no class has is named with its file."""
    with pytest.raises(
        InvalidDataset, match=r"masks/a\.png \(value 255; the classes name 0 to 2\), .*\(2 in all\); correct the masks"
    ):
        load(ImageMaskFolderData(classes=("dent", "hole")), apart(tmp_path))


def without_mask(root: Path) -> None:
    """A mask is missing."""
    (root / "masks/b.png").unlink()


def without_picture(root: Path) -> None:
    """A picture is missing."""
    (root / "images/b.jpg").unlink()


def with_other_size(root: Path) -> None:
    """A mask is too wide."""
    save(root / "masks/b.png", np.zeros((HEIGHT, WIDTH + 1), np.uint8))


def with_jpeg(root: Path) -> None:
    """A mask is a JPEG."""
    mask(root / "masks/b.jpg", 255)


def with_two_masks(root: Path) -> None:
    """Two masks are of one picture."""
    mask(root / "masks/b_mask.png", 255)


def with_damage(root: Path) -> None:
    """A mask is cut off."""
    cut_off(root / "masks/b.png")


def without_marks(root: Path) -> None:
    """No mask marks anything."""
    mask(root / "masks/a.png")
    mask(root / "masks/b.png")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_mask, r"Pictures without a mask: .*images/b\.jpg \(1 in all\); put them .* folder named good"),
        (without_picture, r"Masks without a picture: .*masks/b\.png \(1 in all\)"),
        (with_other_size, r"another size .*: .*masks/b\.png \(20×31, its picture 20×30\)"),
        (with_jpeg, r"Masks saved as JPEG.*: .*masks/b\.jpg \(1 in all\); save them as PNG"),
        (with_two_masks, r"one and the same picture or mask: .*masks/b\.png = .*masks/b_mask\.png"),
        (with_damage, r"cannot be read: .*masks/b\.png"),
        (without_marks, r"No mask in .* marks anything"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, change: Callable[[Path], None], sentence: str) -> None:
    """Each fault of the folder is one sentence that names the file."""
    change(apart(tmp_path))
    with pytest.raises(InvalidDataset, match=sentence):
        load(ImageMaskFolderData(), tmp_path)


def test_no_masks_at_all(tmp_path: Path) -> None:
    """A folder of mere pictures is told how masks must lie."""
    picture(tmp_path / "a.jpg")
    with pytest.raises(InvalidDataset, match=r"There are no masks in .*; put them into masks/"):
        load(ImageMaskFolderData(), tmp_path)


@pytest.mark.parametrize("layout", ["{}/images/a.png {}/masks/a.png", "images/{}/a.png masks/{}/a.png"])
def test_shipped_split(tmp_path: Path, layout: str) -> None:
    """Folders train and test lie above images and masks or within them."""
    for subset in ("train", "test"):
        shown, marked = layout.replace("{}", subset).split()
        picture(tmp_path / shown)
        mask(tmp_path / marked, 255)
    data = ImageMaskFolderData(split=Split(shipped=True, validation=0))
    subsets = split(load(data, tmp_path), data)
    assert [[item.name for item in items] for items in subsets.named.values()] == [["train/a"], [], ["test/a"]]


def parts(root: Path) -> Path:
    """Two parts in folders of their own, one of which has a good picture too, and a good part."""
    for name in ("part1/left", "part1/right", "part2/left"):
        picture(root / f"{name}.png")
        mask(root / f"{name}_mask.png", 255)
    picture(root / "part2/good/right.png")
    picture(root / "good/x.png")
    return root


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (None, ["good/x", "part1", "part1", "part2", "part2"]),
        (r"(left|right|x)", ["x", "left", "right", "right", "left"]),
    ],
)
def test_groups(tmp_path: Path, pattern: str | None, groups: list[str]) -> None:
    """A part is the folder of its pictures, or what the pattern finds in their paths."""
    dataset = load(ImageMaskFolderData(group_pattern=pattern), parts(tmp_path))
    assert [item.group for item in dataset.items] == groups


def test_one_folder_is_no_part(tmp_path: Path) -> None:
    """Pictures that all lie in one folder are a part each."""
    assert [item.group for item in load(ImageMaskFolderData(), apart(tmp_path)).items] == ["a", "b", "good/c"]


@pytest.mark.parametrize(("pattern", "sentence"), [("(", "is no regular expression"), ("part", "has no group")])
def test_unusable_pattern(tmp_path: Path, pattern: str, sentence: str) -> None:
    """A pattern that cannot find a part is refused before anything is read."""
    with pytest.raises(InvalidExperiment, match=sentence):
        load(ImageMaskFolderData(group_pattern=pattern), parts(tmp_path))


def test_pattern_finds_nothing(tmp_path: Path) -> None:
    """Pictures in whose path the pattern finds no part are named."""
    with pytest.raises(InvalidDataset, match=r"finds no part: .*good/x\.png \(1 in all\)"):
        load(ImageMaskFolderData(group_pattern=r"(part\d)"), parts(tmp_path))
