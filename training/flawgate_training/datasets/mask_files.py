"""Which files of a user's folder are pictures, and which are masks: two ways of laying them out."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.files import LOSSY, pictures, stem, subset_folders
from flawgate_training.datasets.pairs import Pair, keyed, pair
from flawgate_training.datasets.problems import refuse

GOOD, IMAGES, MASKS = "good", "images", "masks"
"""Folders of parts without a defect, whose pictures need no mask; of pictures; of masks. In any letters."""

HOW = (
    "put them into masks/ under the picture's name (PNG, BMP or TIFF) with the pictures in images/, or beside the "
    "pictures as <name>_mask.png, and pictures of good parts into a folder named good"
)
"""How masks must lie, for errors' sentences."""

_MASK = re.compile(r"[_-](mask|label|gt)$", re.IGNORECASE)
_Named = list[tuple[str, str]]  # name and path


@dataclass(frozen=True)
class Root:
    """One place that holds pictures and masks: the data set's folder, or train, validation or test within it.

    Attributes:
        prefix: path below the data set's folder, empty or ending in `/`.
        paths: all pictures and masks within, as paths below the data set's folder.
    """

    prefix: str
    paths: Sequence[str]

    @property
    def apart(self) -> bool:
        """Whether pictures and masks lie in folders of their own."""
        return bool(self.within(IMAGES) and self.within(MASKS))

    @property
    def masked(self) -> bool:
        """Whether anything in the place is a mask."""
        return self.apart or len(without_masks(self.paths)) < len(self.paths)

    def within(self, folder: str) -> _Named:
        """What lies in that folder: its path from there on without the ending, after the prefix; and the path."""
        start = f"{self.prefix}{folder}/"
        there = (path for path in self.paths if path.lower().startswith(start.lower()))
        return [(self.prefix + stem(path[len(start) :]), path) for path in there]


def roots(folder: Path) -> list[Root]:
    """The places of a data set.

    Raises:
        InvalidDataset: the folder is missing, or some pictures lie in train, validation or test and others do not.
    """
    paths = pictures(folder)
    prefixes = [f"{name}/" for name in subset_folders(folder)]
    if not prefixes:
        return [Root("", paths)]
    strays = [str(folder / path) for path in paths if not path.startswith(tuple(prefixes))]
    refuse(strays, f"Pictures outside the folders {', '.join(prefixes)}", "move them into one of these, or away")
    return [Root(prefix, [path for path in paths if path.startswith(prefix)]) for prefix in prefixes]


def without_masks(paths: Sequence[str]) -> list[str]:
    """Without those that are masks of others among them: <stem>_mask, <stem>_label or <stem>_GT."""
    stems = {stem(path) for path in paths}
    return [path for path in paths if (bare := _bare(stem(path))) == stem(path) or bare not in stems]


def pairs(root: Root, folder: Path) -> list[Pair]:
    """Pictures and masks of one place.

    Args:
        root: the place.
        folder: of the data set.

    Returns:
        Pairs whose name is the picture's path below the data set's folder, without `images/` and its ending.

    Raises:
        InvalidDataset: a picture without a mask that lies in no folder named good, a mask without a picture or saved as
            JPEG, or two files for one picture or mask.
    """
    shown, masks = _apart(root) if root.apart else _beside(root)
    lossy = [str(folder / path) for _, path in masks if Path(path).suffix.lower() in LOSSY]
    refuse(lossy, "Masks saved as JPEG, which changes their values", "save them as PNG, BMP or TIFF")
    named = keyed(shown, folder=folder)
    good = [name for name, path in named.items() if GOOD in path.lower().split("/")[:-1]]
    return pair(named, keyed(_of(named, masks), folder=folder), folder=folder, good=good, remedy=HOW)


def refuse_no_masks(folder: Path, places: Iterable[Root]) -> None:
    """Raise where there is no mask at all.

    Raises:
        InvalidDataset: says how masks must lie.
    """
    if not any(place.masked for place in places):
        raise InvalidDataset(f"There are no masks in {folder}; {HOW}.")


def _apart(root: Root) -> tuple[_Named, _Named]:
    """Pictures, those in a folder `good` beside `images` among them, and masks."""
    good = [(stem(path), path) for _, path in root.within(GOOD)]
    return [*root.within(IMAGES), *good], root.within(MASKS)


def _beside(root: Root) -> tuple[_Named, _Named]:
    """Pictures, and what is called a mask whether its picture is there or not."""
    named = [(stem(path), path) for path in root.paths]
    masks = [(name, path) for name, path in named if _bare(name) != name]
    return [(name, path) for name, path in named if _bare(name) == name], masks


def _of(shown: Collection[str], masks: _Named) -> _Named:
    """Masks under their pictures' names: their own or, where no picture bears that, without `_mask`."""
    return [(name if name in shown else _bare(name), path) for name, path in masks]


def _bare(name: str) -> str:
    return _MASK.sub("", name)
