"""KolektorSDD: 399 frames of 50 motor commutators, 52 with a crack, about 500×1240–1270 pixels, grey.

Source: Kolektor Group and the Visual Cognitive Systems Laboratory, University of Ljubljana; D. Tabernik et al.,
"Segmentation-based deep-learning approach for surface-defect detection", Journal of Intelligent Manufacturing, 2019.
Licence: CC BY-NC-SA 4.0, so neither the frames nor weights trained on them may be used commercially; the frames are
not shipped with Flawgate.

Layout, as published (labels as BMP, or the same as PNG)::

    DIR/kos01/Part0.jpg
    DIR/kos01/Part0_label.bmp
    ...
    DIR/kos50/Part7_label.bmp
"""

from pathlib import Path

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.about import About
from flawgate_training.datasets.files import FileSource, stem
from flawgate_training.datasets.indexing import Entry, index
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.masks import Marked
from flawgate_training.datasets.pairs import Pair, pair
from flawgate_training.experiment.data import KolektorData

ABOUT = About(
    name="KolektorSDD",
    title="Motor commutators: cracks in the surface (non-commercial use only)",
    source="399 frames of 50 motor commutators, 52 with a crack. Kolektor Group and the Visual Cognitive Systems "
    "Laboratory, University of Ljubljana; D. Tabernik et al., Journal of Intelligent Manufacturing, 2019.",
    licence="CC-BY-NC-SA-4.0",
    notice="NON-COMMERCIAL: they learned from KolektorSDD, which is licensed CC BY-NC-SA 4.0. Do not use them "
    "commercially; name the source; share what you derive from them under the same licence.",
)

CLASSES = ("background", "defect")

TWINS = {"kos26": "kos01", "kos34": "kos27"}
"""Folders that hold frames of another one again; both belong to one group, lest a test see its training frames."""

_LABELS = ("_label.bmp", "_label.png")


def load(data: KolektorData, folder: Path) -> Dataset:
    """Index the data set.

    Args:
        data: what the experiment says of it.
        folder: the one that holds kos01, kos02, ...

    Returns:
        Frames named `kos01/Part5`; the group is the commutator.

    Raises:
        InvalidDataset: no frame is there, a frame lacks its label or a label its frame; see also `indexing.index`.
    """
    found = index([_entry(one, folder) for one in _pairs(folder)], skip_corrupt=data.skip_corrupt)
    return Dataset(ABOUT, CLASSES, found.items, masked=True, skipped=found.skipped)


def fits(folder: Path) -> bool:
    """Whether the folder has this layout."""
    return any(path.with_name(path.stem + end).exists() for path in folder.glob("kos*/*.jpg") for end in _LABELS)


def _pairs(folder: Path) -> list[Pair]:
    frames = {stem(path): path for path in _below(folder, "*.jpg")}
    if not frames:
        raise InvalidDataset(
            f"No frame kosNN/PartN.jpg is under {folder}; give the folder that holds kos01 to kos50 of KolektorSDD."
        )
    labels = [path for path in _below(folder, "*_label.*") if path.endswith(_LABELS)]
    return pair(frames, {stem(path).removesuffix("_label"): path for path in labels}, folder=folder)


def _below(folder: Path, pattern: str) -> list[str]:
    found = (path for path in folder.glob(f"kos*/{pattern}") if not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _entry(found: Pair, folder: Path) -> Entry:
    commutator = found.name.partition("/")[0]
    source = FileSource(folder, found.picture, found.mask, Marked())
    return Entry(found.name, TWINS.get(commutator, commutator), source)
