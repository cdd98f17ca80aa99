"""Magnetic tiles, and folders like theirs: a folder for each kind of defect, PNG masks beside the JPEG pictures.

Source: Y. Huang, C. Qiu and K. Yuan, "Surface defect saliency of magnetic tile", The Visual Computer, 2020; grey
pictures of many sizes in the classes blowhole, break, crack, fray, uneven and free (no defect). Licence: none is known
to us; the pictures are not shipped with Flawgate, and whoever uses them or weights trained on them commercially should
ask.

Layout::

    DIR/MT_Blowhole/Imgs/exp1_num_4727.jpg
    DIR/MT_Blowhole/Imgs/exp1_num_4727.png      the mask: not black where the defect is
    ...
    DIR/MT_Free/Imgs/exp1_num_100.jpg           its mask, black as published, may be absent and is not read

The folder decides which class a picture has. Pictures whose names end in the same `num_<number>` form a group.
"""

import re
from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.about import About
from flawgate_training.datasets.files import FileSource, stem
from flawgate_training.datasets.indexing import Entry, index
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.masks import Marked
from flawgate_training.datasets.pairs import pair
from flawgate_training.datasets.problems import refuse
from flawgate_training.experiment.data import MagneticTileData

ABOUT = About(
    name="Magnetic Tile",
    title="Magnetic tiles: blowholes, breaks, cracks, frays, uneven grinding",
    source="Grey pictures of magnetic tiles with pixel-wise masks. Y. Huang, C. Qiu, K. Yuan, Surface defect saliency "
    "of magnetic tile, The Visual Computer, 2020.",
    licence="LicenseRef-Magnetic-Tile",
    notice="They learned from the Magnetic Tile set, of which no licence is known to us; ask its makers before "
    "commercial use.",
)

GOOD = "MT_Free"
"""The folder of tiles without a defect."""

_NUMBER = re.compile(r"num_(\d+)$")


def load(data: MagneticTileData, folder: Path) -> Dataset:
    """Index all folders.

    Args:
        data: what the experiment says of them.
        folder: the one that holds MT_Free, MT_Crack, ...

    Returns:
        Pictures named `MT_Crack/exp1_num_10`. Classes: `background` and `defect`, or where `data.binary` is off
        `background` and the folders' names in small letters without `MT_`.

    Raises:
        InvalidDataset: there is no such folder, one is empty, a picture has no mask or a mask no picture; see also
            `indexing.index`.
    """
    names = kinds(folder)
    if not names:
        raise InvalidDataset(
            f"No folder MT_<class>/Imgs is in {folder}; give the one that holds MT_Free, MT_Crack, ..."
        )
    bad = [name for name in names if name != GOOD]
    classes = ("background", "defect") if data.binary else ("background", *(_class(name) for name in bad))
    labels = {name: 1 if data.binary else bad.index(name) + 1 for name in bad} | {GOOD: 0}
    entries = [entry for name in names for entry in _entries(folder, name, labels[name])]
    found = index(entries, skip_corrupt=data.skip_corrupt)
    return Dataset(ABOUT, classes, found.items, masked=True, skipped=found.skipped)


def kinds(folder: Path) -> list[str]:
    """Folders MT_<class> that hold a folder Imgs, sorted."""
    return sorted(path.name for path in folder.glob("MT_*") if (path / "Imgs").is_dir())


def _class(name: str) -> str:
    return name.removeprefix("MT_").lower()


def _entries(folder: Path, kind: str, label: int) -> list[Entry]:
    pictures, masks = (_named(folder, kind, endings) for endings in ((".jpg", ".jpeg"), (".png",)))
    refuse([] if pictures else [str(folder / kind / "Imgs")], "Folders without a JPEG", "fill or remove them")
    entries = []
    for one in pair(pictures, masks, folder=folder, good=pictures if kind == GOOD else ()):
        source = FileSource(folder, one.picture, None if kind == GOOD else one.mask, Marked(label))
        entries.append(Entry(one.name, _group(one.name), source, label))
    return entries


def _named(folder: Path, kind: str, endings: tuple[str, ...]) -> dict[str, str]:
    """Files of these endings by `<kind>/<stem>`, as paths below the folder."""
    paths = (path for path in (folder / kind / "Imgs").iterdir() if path.suffix.lower() in endings)
    names = sorted(path.name for path in paths if not path.name.startswith("."))
    return {f"{kind}/{stem(name)}": f"{kind}/Imgs/{name}" for name in names}


def _group(name: str) -> str:
    number = _NUMBER.search(name)
    return number.group() if number else name
