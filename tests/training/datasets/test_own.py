from collections.abc import Callable
from pathlib import Path

import pytest
from support.picture_folders import mask, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.own import detect
from flawgate_training.experiment.schema import Task


def kolektor(root: Path) -> None:
    """The layout of KolektorSDD."""
    picture(root / "kos01/Part0.jpg")
    mask(root / "kos01/Part0_label.bmp", 1)


def dagm(root: Path) -> None:
    """The layout of DAGM 2007."""
    picture(root / "Class6/Train/0001.PNG")
    mask(root / "Class6/Train/Label/0001_label.PNG", 255)


def magnetic(root: Path) -> None:
    """The layout of Magnetic Tile."""
    picture(root / "MT_Free/Imgs/a.jpg")


def masks_apart(root: Path) -> None:
    """Masks in a folder of their own."""
    picture(root / "images/a.jpg")
    mask(root / "masks/a.png", 255)


def masks_beside(root: Path) -> None:
    """Masks beside pictures."""
    picture(root / "a.jpg")
    mask(root / "a_mask.png", 255)


def class_folders(root: Path) -> None:
    """A folder for each class."""
    picture(root / "good/a.jpg")
    picture(root / "bad/b.jpg")


def classes_with_masks(root: Path) -> None:
    """A folder for each class, masks beside the pictures of the bad one."""
    class_folders(root)
    mask(root / "bad/b_mask.png", 255)


@pytest.mark.parametrize(
    ("layout", "task", "kind"),
    [
        (kolektor, "cascade", "kolektor_sdd"),
        (dagm, "segmentation", "dagm"),
        (magnetic, "segmentation", "magnetic_tile"),
        (masks_apart, "cascade", "image_mask_folder"),
        (masks_beside, "segmentation", "image_mask_folder"),
        (masks_apart, "classification", "image_mask_folder"),
        (class_folders, "classification", "image_folder"),
        (class_folders, "anomaly", "image_folder"),
        (classes_with_masks, "classification", "image_folder"),
        (classes_with_masks, "segmentation", "image_mask_folder"),
        (masks_beside, "anomaly", "image_mask_folder"),
    ],
)
def test_layouts_are_recognised(tmp_path: Path, layout: Callable[[Path], None], task: Task, kind: str) -> None:
    """How the pictures lie, and what is to be learned, decide for the kind of data set."""
    layout(tmp_path)
    assert detect(tmp_path, task).kind == kind


def test_the_texture_is_that_of_the_folder(tmp_path: Path) -> None:
    """Of DAGM 2007, those classes are taken that are there."""
    dagm(tmp_path)
    assert detect(tmp_path, "segmentation").model_dump()["textures"] == (6,)


@pytest.mark.parametrize("layout", [masks_apart, class_folders])
def test_a_shipped_split_is_kept(tmp_path: Path, layout: Callable[[Path], None]) -> None:
    """Where train and test are folders, they are the split; where only one is there, they are not."""
    layout(tmp_path / "train")
    assert not detect(tmp_path, "classification").split.shipped
    layout(tmp_path / "test")
    assert detect(tmp_path, "classification").split.shipped


def several_values(root: Path) -> None:
    """A mask of two classes."""
    picture(root / "images/a.jpg")
    mask(root / "masks/a.png", 1, 2)


def test_names_of_classes(tmp_path: Path) -> None:
    """A file beside the pictures names the masks' values; a cascade tells no classes of defect apart."""
    several_values(tmp_path)
    (tmp_path / "classes.txt").write_text("dent\nhole\n")
    classes = [detect(tmp_path, task).model_dump()["classes"] for task in ("segmentation", "cascade")]
    assert classes == [("dent", "hole"), None]


def nothing(root: Path) -> None:
    """No picture at all."""
    root.mkdir(exist_ok=True)


def mere_pictures(root: Path) -> None:
    """Pictures in no folder."""
    picture(root / "a.jpg")


def no_good_folder(root: Path) -> None:
    """Two classes, none of which is called good."""
    picture(root / "left/a.jpg")
    picture(root / "right/b.jpg")


@pytest.mark.parametrize(
    ("layout", "task", "sentence"),
    [
        (nothing, "cascade", "No picture .* is in"),
        (mere_pictures, "segmentation", "A segmentation learns from masks, and there are none in .*; put them into"),
        (class_folders, "cascade", "A cascade learns from masks, and there are none in"),
        (mere_pictures, "classification", "neither masks nor class folders in .*; put the pictures of each class"),
        (no_good_folder, "anomaly", "no folder in .* is called good or ok or no_defect or normal; rename"),
        (several_values, "segmentation", r"hold the values 1, 2; name the classes .* 1 to 2 in .*classes\.txt"),
    ],
)
def test_says_what_is_missing(tmp_path: Path, layout: Callable[[Path], None], task: Task, sentence: str) -> None:
    """A folder that fits no kind is told how pictures must lie."""
    layout(tmp_path)
    with pytest.raises(InvalidDataset, match=sentence):
        detect(tmp_path, task)


def test_unreadable_names(tmp_path: Path) -> None:
    """A file of class names that is no text is named."""
    several_values(tmp_path)
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidDataset, match=r"classes\.txt cannot be read"):
        detect(tmp_path, "segmentation")


def test_no_folder(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(InvalidDataset, match=r"There is no folder .*absent"):
        detect(tmp_path / "absent", "cascade")
