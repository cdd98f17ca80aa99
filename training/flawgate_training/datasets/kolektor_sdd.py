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

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from flawgate_contracts.errors import FlawgateError, InvalidParameter
from flawgate_contracts.steps import Grey, Step
from flawgate_imaging.decoding import decode
from flawgate_imaging.pipeline import apply
from flawgate_training.datasets.about import About
from flawgate_training.datasets.samples import Pixels, Sample, prepare

ABOUT = About(
    name="KolektorSDD",
    title="Motor commutators: cracks in the surface (non-commercial use only)",
    source="399 frames of 50 motor commutators, 52 with a crack. Kolektor Group and the Visual Cognitive Systems "
    "Laboratory, University of Ljubljana; D. Tabernik et al., Journal of Intelligent Manufacturing, 2019.",
    licence="CC-BY-NC-SA-4.0",
    notice="NON-COMMERCIAL: they learned from KolektorSDD, which is licensed CC BY-NC-SA 4.0. Do not use them "
    "commercially; name the source; share what you derive from them under the same licence.",
)

TWINS = {"kos26": "kos01", "kos34": "kos27"}
"""Folders that hold frames of another one again; both belong to one group, lest a test see its training frames."""

_LABELS = ("_label.bmp", "_label.png")


def load(folder: Path, *, steps: tuple[Step, ...], dilation: int) -> list[Sample]:
    """Read the whole data set into memory, about 1.4 MB a frame at 1408×512.

    Args:
        folder: the one that holds kos01, kos02, ...
        steps: the recipe's pre-processing.
        dilation: see `targets.DILATIONS`.

    Returns:
        One sample per frame, ordered by name; the group is the commutator.

    Raises:
        InvalidParameter: the folder is missing or empty, a frame lacks its label or a label its frame, a label has
            another size than its frame, a file cannot be decoded, or no frame is defective.
    """
    samples = [_read(frame, label, steps, dilation) for frame, label in _pairs(folder)]
    if not any(sample.defective for sample in samples):
        raise _invalid(f"No label under {folder} marks a defect; check that the labels are those of KolektorSDD.")
    return samples


def _pairs(folder: Path) -> Iterable[tuple[Path, Path]]:
    if not folder.is_dir():
        raise _invalid(f"There is no folder {folder}; give the one that holds kos01 to kos50 of KolektorSDD.")
    frames = {_stem(path): path for path in folder.glob("kos*/*.jpg")}
    labels = {_stem(path): path for path in sorted(folder.glob("kos*/*_label.*")) if path.name.endswith(_LABELS)}
    if not frames:
        raise _invalid(f"No frame kosNN/PartN.jpg is under {folder}; give the folder that holds kos01 to kos50.")
    for stem in sorted(frames.keys() ^ labels.keys()):
        has, lacks = ("frame", "label") if stem in frames else ("label", "frame")
        raise _invalid(f"{stem} under {folder} has a {has} but no {lacks}; restore the missing file.")
    return [(frames[stem], labels[stem]) for stem in sorted(frames)]


def _stem(path: Path) -> str:
    return f"{path.parent.name}/{path.stem.removesuffix('_label')}"


def _read(frame: Path, label: Path, steps: tuple[Step, ...], dilation: int) -> Sample:
    pixels, marked = _decoded(frame), apply(_decoded(label), (Grey(),)).pixels
    if pixels.shape[:2] != marked.shape:
        raise _invalid(
            f"The label {label} is {_size(marked)} pixels (height × width) but its frame is {_size(pixels)}; "
            "restore the label that belongs to the frame."
        )
    folder = frame.parent.name
    return prepare(_stem(frame), TWINS.get(folder, folder), pixels, marked, steps=steps, dilation=dilation)


def _decoded(path: Path) -> Pixels:
    try:
        return decode(path.read_bytes())
    except FlawgateError as err:
        raise _invalid(f"{path} cannot be read: {err.message}") from err


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[0]}×{pixels.shape[1]}"


def _invalid(message: str) -> InvalidParameter:
    return InvalidParameter(message, {"field": "data"})
