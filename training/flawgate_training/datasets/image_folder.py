"""Own pictures in class folders: the folder's name is the class's.

Source: whoever owns the pictures. Licence: theirs; weights trained on them are called `proprietary`.

Layout (JPEG, PNG, BMP or TIFF; folders within a class folder are parts, whose pictures stay together)::

    DIR/good/0001.jpg
    DIR/scratch/0002.jpg
    DIR/scratch/part7/left.jpg

or with a division of its own, which `data.split.shipped` makes use of (`train` or `training`; `validation`, `valid` or
`val`; `test` or `testing`)::

    DIR/train/good/0001.jpg
    DIR/test/scratch/0002.jpg

The class of good parts is the folder that `data.good` names, else the one called good, ok, no_defect or normal; it
comes first among the classes. Where there is none, no class means that a part is bad. Masks that lie beside their
pictures (0002_mask.png) are no pictures and are passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets import about
from flawgate_training.datasets.files import FileSource, folders, pictures, stem, subset_folders, subset_of
from flawgate_training.datasets.indexing import Entry, index
from flawgate_training.datasets.items import Dataset, Subset
from flawgate_training.datasets.mask_files import without_masks
from flawgate_training.datasets.problems import refuse
from flawgate_training.experiment.data import ImageFolderData

GOOD_NAMES = ("good", "ok", "no_defect", "normal")
"""Folders of good parts, in small letters and with underscores."""

DEFECTIVE = "defective"
"""The one class of bad parts, where the experiment asks for a binary decision."""


@dataclass(frozen=True)
class _Found:
    """A picture in a class folder; `path` is below the data set's folder, `part` within the class folder."""

    path: str
    class_name: str
    part: str
    shipped: Subset | None


def load(data: ImageFolderData, folder: Path) -> Dataset:
    """Index all class folders.

    Args:
        data: what the experiment says of them.
        folder: the one that holds the class folders, or train, validation and test.

    Returns:
        Pictures named by their path without its ending. A group is a folder within a class folder, else a picture.

    Raises:
        InvalidDataset: fewer than two classes, an empty class folder, a picture outside of all, or a good class that is
            not there or not clear; see also `indexing.index`.
    """
    found = _all(folder)
    names = sorted({one.class_name for one in found})
    if len(names) < 2:
        raise InvalidDataset(
            f"Only one class, {names[0]}, is in {folder}; put the pictures of each class into a folder of its own."
            if names
            else f"No class folder with pictures is in {folder}; put each class's into a folder of its own."
        )
    good = good_class(names, data.good, folder)
    classes = _classes(names, good, binary=data.binary, folder=folder)
    index_of = {name: 0 if name == good else 1 if data.binary else classes.index(name) for name in names}
    entries = [_entry(one, folder, index_of[one.class_name], bad=good not in {None, one.class_name}) for one in found]
    read = index(entries, skip_corrupt=data.skip_corrupt)
    return Dataset(about.own(folder), classes, read.items, masked=False, skipped=read.skipped)


def class_folders(folder: Path) -> list[str]:
    """Names of the folders that hold a class, over all subsets; they may be empty."""
    subsets = subset_folders(folder)
    roots = [folder / name for name in subsets] or [folder]
    return sorted({name for root in roots for name in folders(root)})


def good_class(names: Sequence[str], asked: str | None, folder: Path) -> str | None:
    """Which class is that of good parts.

    Args:
        names: of the class folders.
        asked: the one that the experiment names.
        folder: of the data set, for the errors' sentences.

    Returns:
        The name of the folder; None where there is none.

    Raises:
        InvalidDataset: the one asked for is not there, or several may be meant.
    """
    if asked is not None and asked not in names:
        raise InvalidDataset(
            f"There is no class folder {asked} in {folder}; set data.good to one of {', '.join(names)}."
        )
    likely = [name for name in names if name.lower().replace("-", "_").replace(" ", "_") in GOOD_NAMES]
    if asked is None and len(likely) > 1:
        raise InvalidDataset(
            f"Several folders in {folder} may be that of good parts: {', '.join(likely)}; set data.good to the one."
        )
    return asked or next(iter(likely), None)


def _classes(names: Sequence[str], good: str | None, *, binary: bool, folder: Path) -> tuple[str, ...]:
    if binary and good is None:
        raise InvalidDataset(
            f"data.binary needs good parts, but no folder in {folder} is called {', '.join(GOOD_NAMES)}; "
            f"set data.good to one of {', '.join(names)}."
        )
    if good is None:
        return tuple(names)
    return (good, DEFECTIVE) if binary else (good, *(name for name in names if name != good))


def _all(folder: Path) -> list[_Found]:
    paths = without_masks(pictures(folder))
    subsets = subset_folders(folder)
    _refuse_empty(folder, paths, subsets)
    found: list[_Found] = []
    strays: list[str] = []
    for path in paths:
        parts = path.split("/")
        shipped = subset_of(path)
        inner = parts[1:] if shipped else parts
        if len(inner) < 2 or (subsets and shipped is None):
            strays.append(str(folder / path))
        else:
            found.append(_Found(path, inner[0], "/".join(inner[1:-1]), shipped))
    refuse(strays, "Pictures that lie in no class folder", "move them into the folder of their class, or away")
    return found


def _refuse_empty(folder: Path, paths: Sequence[str], subsets: dict[str, Subset]) -> None:
    prefixes = [f"{subset}/" for subset in subsets] or [""]
    inside = [prefix + name for prefix in prefixes for name in folders(folder / prefix)]
    empty = [str(folder / name) for name in inside if not any(path.startswith(f"{name}/") for path in paths)]
    refuse(empty, "Class folders without a picture (JPEG, PNG, BMP or TIFF)", "fill or remove them")


def _entry(found: _Found, folder: Path, label: int, *, bad: bool) -> Entry:
    name = stem(found.path)
    group = name.rpartition("/")[0] if found.part else name
    return Entry(name, group, FileSource(folder, found.path), label, bad, found.shipped)
