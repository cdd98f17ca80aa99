"""DAGM 2007: generated grey textures of ten classes, 512×512 pixels; a defect is labelled weakly, by a filled ellipse.

Classes 1 to 6 have 1000 good and 150 defective pictures each, half of them shipped for training and half for the test.
Good pictures have no label file.

Source: M. Wieler and T. Hahn, "Weakly Supervised Learning for Industrial Optical Inspection", competition at the DAGM
symposium 2007. Licence: its makers call the pictures publicly available and we know of no licence text; they are not
shipped with Flawgate, and whoever uses them or weights trained on them commercially should ask.

Layout, as published::

    DIR/Class1/Train/...
    DIR/Class1/Test/0001.PNG
    DIR/Class1/Test/Label/Labels.txt            number, 1 if defective, picture, 0, label if any; after a first line
    DIR/Class1/Test/Label/0002_label.PNG

DIR may be the folder DAGM2007, the one that holds it, or a single ClassN. Where Train or Test is absent, the other one
is read alone.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.about import About
from flawgate_training.datasets.files import FileSource
from flawgate_training.datasets.indexing import Entry, index
from flawgate_training.datasets.items import Dataset, Subset
from flawgate_training.datasets.masks import Marked
from flawgate_training.datasets.pairs import Pair, pair
from flawgate_training.datasets.problems import refuse
from flawgate_training.experiment.data import DagmData

ABOUT = About(
    name="DAGM 2007",
    title="Textures with defects labelled by ellipses (DAGM 2007)",
    source="Generated grey textures, 512×512 pixels. M. Wieler and T. Hahn, Weakly Supervised Learning for Industrial "
    "Optical Inspection, DAGM symposium 2007.",
    licence="LicenseRef-DAGM-2007",
    notice="They learned from DAGM 2007, of which no licence text is known to us; ask its makers before "
    "commercial use.",
)

CLASSES = ("background", "defect")

_SUBSETS: dict[str, Subset] = {"Train": "train", "Test": "test"}
_NUMBERS = {f"Class{number}": number for number in range(1, 11)}
_FIELDS = 3
"""Labels.txt has number, mark and picture in each row that names one."""


def load(data: DagmData, folder: Path) -> Dataset:
    """Index the textures that the experiment names.

    Args:
        data: what the experiment says of them.
        folder: see above.

    Returns:
        Pictures named `Class1/Test/0002`, each its own group.

    Raises:
        InvalidDataset: a texture is not there, or pictures and labels are not those of Labels.txt; see also
            `indexing.index`.
    """
    entries = [entry for part in _parts(data.textures, folder) for entry in _entries(part, folder)]
    found = index(entries, skip_corrupt=data.skip_corrupt)
    return Dataset(ABOUT, CLASSES, found.items, masked=True, skipped=found.skipped)


def textures(folder: Path) -> dict[int, Path]:
    """Numbers of the textures that lie in a folder of this layout, and where."""
    candidates = [folder, *folder.glob("Class*"), *folder.glob("DAGM*/Class*")]
    return {
        _NUMBERS[name]: path
        for path in candidates
        if (name := path.absolute().name) in _NUMBERS and any((path / part / "Label").is_dir() for part in _SUBSETS)
    }


def _parts(wanted: Iterable[int], folder: Path) -> list[Path]:
    """The folders Train and Test of each texture, as far as they are there."""
    there = textures(folder)
    missing = [f"Class{number}" for number in wanted if number not in there]
    remedy = (
        f"set data.textures={sorted(there)}, or give the folder that holds all"
        if there
        else "give the folder DAGM2007, whose ClassN hold Train and Test with their folder Label"
    )
    refuse(missing, f"Textures that are not in {folder}", remedy)
    return [there[number] / name for number in wanted for name in _SUBSETS if (there[number] / name).is_dir()]


def _entries(part: Path, folder: Path) -> list[Entry]:
    """All pictures of one folder Train or Test."""
    listed = _listed(part)
    pictures = {path.stem: path for path in part.iterdir() if path.suffix.lower() == ".png"}
    masks = {path.stem.removesuffix("_label"): path for path in part.glob("Label/*_label.*")}
    good = [name for name, defective in listed.items() if not defective]
    for paths, what in (
        ([pictures[name] for name in pictures.keys() - listed.keys()], "Pictures that Label/Labels.txt does not list"),
        ([part / f"{name}.PNG" for name in listed.keys() - pictures.keys()], "Missing pictures of Label/Labels.txt"),
        ([masks[name] for name in masks.keys() & set(good)], "Labels of pictures that Label/Labels.txt calls good"),
    ):
        refuse(sorted(map(str, paths)), what, "restore DAGM 2007 as published")
    found = pair(_below(folder, pictures), _below(folder, masks), folder=folder, good=good)
    prefix = f"{part.absolute().parent.name}/{part.name}/"
    return [_entry(one, prefix, folder, _SUBSETS[part.name]) for one in found]


def _entry(one: Pair, prefix: str, folder: Path, shipped: Subset) -> Entry:
    name = prefix + one.name
    return Entry(name, name, FileSource(folder, one.picture, one.mask, Marked()), shipped=shipped)


def _below(folder: Path, paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: path.relative_to(folder).as_posix() for name, path in paths.items()}


def _listed(part: Path) -> dict[str, bool]:
    """Labels.txt: the picture's name without its ending → whether it is defective."""
    path = part / "Label" / "Labels.txt"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidDataset(
            f"{path} cannot be read, and without it no picture is known to be good; restore the file."
        ) from err
    rows = [fields for line in text.splitlines() if len(fields := line.split()) >= _FIELDS]
    return {Path(fields[2]).stem: fields[1] == "1" for fields in rows}
