"""Recognises how a user's own pictures lie, so that `--like` needs neither code nor YAML."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from flawgate_contracts.errors import FlawgateError, InvalidDataset
from flawgate_training.datasets import dagm, kolektor_sdd, magnetic_tile
from flawgate_training.datasets.files import content, pictures, subset_of
from flawgate_training.datasets.image_folder import GOOD_NAMES, class_folders, good_class
from flawgate_training.datasets.items import Subset
from flawgate_training.datasets.mask_files import HOW, IMAGES, Root, pairs, roots
from flawgate_training.datasets.masks import stored
from flawgate_training.experiment.data import (
    DagmData,
    FileData,
    ImageFolderData,
    ImageMaskFolderData,
    KolektorData,
    MagneticTileData,
    Split,
)
from flawgate_training.experiment.schema import Task

CLASS_NAMES = "classes.txt"
"""File beside the pictures that names the values 1, 2, ... of masks, one a line."""

_LOOKED_AT = 64
_MOST_CLASSES = 32


def detect(folder: Path, task: Task) -> FileData:
    """Find the kind of data set that a folder is.

    Folders laid out as KolektorSDD, DAGM 2007 or Magnetic Tile are taken for such; else masks decide for
    `image_mask_folder` (but for a classification whose class folders hold them beside their pictures), and class
    folders for `image_folder`. Where the folder ships train and test, the split is that. For a segmentation or a
    classification, names of the masks' values are taken from the file `classes.txt`; without it all are one class.

    Args:
        folder: of the user.
        task: that shall be learned.

    Raises:
        InvalidDataset: the folder is missing or holds no picture, has no masks but the task needs them, has neither
            masks nor class folders, or its masks have several values and no `classes.txt` names them.
    """
    paths = pictures(folder)
    if not paths:
        raise InvalidDataset(f"No picture (JPEG, PNG, BMP or TIFF) is in {folder}; give the folder that holds them.")
    known = _published(folder)
    if known is not None:
        return known
    split = Split(shipped={"train", "test"} <= {_subset(path) for path in paths})
    places = roots(folder)
    masked = any(place.masked for place in places)
    if masked and not (task == "classification" and not any(place.apart for place in places) and _several(folder)):
        return ImageMaskFolderData(classes=_classes(folder, places, task), split=split)
    if task in {"cascade", "segmentation"}:
        raise InvalidDataset(f"A {task} learns from masks, and there are none in {folder}; {HOW}.")
    _check_classes(folder, task)
    return ImageFolderData(split=split)


def _published(folder: Path) -> FileData | None:
    """The data set whose layout the folder has."""
    if kolektor_sdd.fits(folder):
        return KolektorData()
    textures = sorted(dagm.textures(folder))
    if textures:
        return DagmData(textures=tuple(textures))
    return MagneticTileData() if magnetic_tile.kinds(folder) else None


def _subset(path: str) -> Subset | None:
    """The subset of a picture's path, which may stand behind `images/`."""
    first, _, rest = path.partition("/")
    return subset_of(rest if first.lower() == IMAGES else path)


def _several(folder: Path) -> bool:
    return len(class_folders(folder)) > 1


def _check_classes(folder: Path, task: Task) -> None:
    names = class_folders(folder)
    if len(names) < 2:
        raise InvalidDataset(
            f"There are neither masks nor class folders in {folder}; put the pictures of each class into a folder "
            f"named after it, good parts into one named good."
        )
    if task == "anomaly" and good_class(names, None, folder) is None:
        raise InvalidDataset(
            f"An anomaly is measured against good parts, and no folder in {folder} is called "
            f"{' or '.join(GOOD_NAMES)}; rename the one that holds them."
        )


def _classes(folder: Path, places: Sequence[Root], task: Task) -> tuple[str, ...] | None:
    """Names of the mask's values; None where any mark is a defect."""
    if task in {"cascade", "anomaly"}:
        return None
    names = folder / CLASS_NAMES
    if names.is_file():
        return _lines(names)
    values = _values(folder, places)
    if task == "segmentation" and len(values) > 1 and max(values) <= _MOST_CLASSES:
        raise InvalidDataset(
            f"The masks in {folder} hold the values {', '.join(map(str, values))}; name the classes of the values "
            f"1 to {max(values)} in {names}, one a line."
        )
    return None


def _lines(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidDataset(f"{path} cannot be read; write the classes' names in UTF-8, one a line.") from err
    return tuple(line.strip() for line in lines if line.strip())


def _values(folder: Path, places: Sequence[Root]) -> list[int]:
    """Values above 0 in some of the masks, evenly chosen; those that cannot be read are named later."""
    masks = [one.mask for place in places for one in pairs(place, folder) if one.mask is not None]
    found: set[int] = set()
    for mask in masks[:: len(masks) // _LOOKED_AT + 1]:
        with suppress(FlawgateError):
            found |= set(np.unique(stored(content(folder / mask))).tolist())
    return sorted(found - {0})
