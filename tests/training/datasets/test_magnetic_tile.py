from pathlib import Path

import numpy as np
import pytest
from support.picture_folders import mask, picture

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.loading import load
from flawgate_training.experiment.data import MagneticTileData


def tiles(root: Path) -> Path:
    """Two cracks of one number, a fray, and a tile without a defect whose mask is absent."""
    for name in ("MT_Crack/Imgs/exp1_num_7", "MT_Crack/Imgs/exp2_num_7", "MT_Fray/Imgs/exp1_num_8"):
        picture(root / f"{name}.jpg")
        mask(root / f"{name}.png", 255)
    picture(root / "MT_Free/Imgs/exp1_num_9.jpg")
    return root


def test_folders_are_classes(tmp_path: Path) -> None:
    """The folder says the class, and pictures of one number are one group."""
    dataset = load(MagneticTileData(binary=False), tiles(tmp_path))
    assert dataset.classes == ("background", "crack", "fray")
    assert [(item.name, item.group, item.label) for item in dataset.items] == [
        ("MT_Crack/exp1_num_7", "num_7", 1),
        ("MT_Crack/exp2_num_7", "num_7", 1),
        ("MT_Fray/exp1_num_8", "num_8", 2),
        ("MT_Free/exp1_num_9", "num_9", 0),
    ]
    masks = [item.source.read().mask for item in dataset.items]
    assert [int(np.max(one)) for one in masks if one is not None] == [1, 1, 2, 0]


def test_binary(tmp_path: Path) -> None:
    """All kinds of defect are one class, where that is asked for."""
    dataset = load(MagneticTileData(), tiles(tmp_path))
    assert dataset.classes == ("background", "defect")
    assert [item.label for item in dataset.items] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        ("MT_Fray/Imgs/exp1_num_8.png", r"Pictures without a mask: .*MT_Fray/Imgs/exp1_num_8\.jpg"),
        ("MT_Crack/Imgs/exp2_num_7.jpg", r"Masks without a picture: .*MT_Crack/Imgs/exp2_num_7\.png"),
        ("MT_Free/Imgs/exp1_num_9.jpg", r"Folders without a JPEG: .*MT_Free/Imgs \(1 in all\)"),
    ],
)
def test_says_what_is_missing(tmp_path: Path, removed: str, sentence: str) -> None:
    """A missing picture or mask and an empty folder are named."""
    (tiles(tmp_path) / removed).unlink()
    with pytest.raises(InvalidDataset, match=sentence):
        load(MagneticTileData(), tmp_path)


def test_another_folder(tmp_path: Path) -> None:
    """A folder without MT_<class> is none of these."""
    with pytest.raises(InvalidDataset, match=r"No folder MT_<class>/Imgs is in"):
        load(MagneticTileData(), tmp_path)
