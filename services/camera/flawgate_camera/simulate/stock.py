"""The pictures of a simulated line, each with what its part really is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from flawgate_camera.config.sources import GeneratedSource
from flawgate_camera.sources.folder import SUFFIXES
from flawgate_camera.sources.generated import sample
from flawgate_contracts.errors import InvalidParameter
from flawgate_imaging.decoding import decode
from flawgate_imaging.encoding import encode_png

GOOD_FOLDERS = frozenset({"good", "ok", "no_defect", "normal"})
"""Folders of good parts, in small letters and with underscores; the same names as training knows."""

LABEL_MARKS = ("_label", "_mask")
"""`Part0_label.png` is the label of `Part0.jpg`, and no picture: it marks what is defective."""


class Truth(StrEnum):
    """What a part really is."""

    GOOD = "good"
    DEFECTIVE = "defective"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """A picture of a part.

    Attributes:
        pixels: grey (H, W) or RGB (H, W, 3), uint8, 0–255.
        file: the same, encoded.
        truth: what the part is.
    """

    pixels: NDArray[np.uint8]
    file: bytes
    truth: Truth


class Stock:
    """The pictures of a line; its cameras draw from them."""

    def __init__(self, specimens: Sequence[Specimen], defect_share: float) -> None:
        """A stock.

        Args:
            specimens: 1 or more.
            defect_share: of the pictures drawn, 0 to 1, where there are good and defective ones; else all are drawn
                evenly.
        """
        self.size = len(specimens)
        good = [each for each in specimens if each.truth is Truth.GOOD]
        defective = [each for each in specimens if each.truth is Truth.DEFECTIVE]
        known = good and defective and len(good) + len(defective) == len(specimens)
        self._groups = (good, defective) if known else (list(specimens), list(specimens))
        self._defect_share = defect_share

    def draw(self, chance: Generator, last: Specimen | None) -> Specimen:
        """A picture; not the last one again where there is another one like it."""
        group = self._groups[bool(chance.random() < self._defect_share)]
        choice = [each for each in group if each is not last] or group
        return choice[int(chance.integers(len(choice)))]


def generated_stock(seed: int, *, pictures: int, defect_share: float, side: int) -> Stock:
    """Made-up textures, the same ones for the same arguments.

    Args:
        seed: 0 or more.
        pictures: how many different ones; half of them with a flaw, where both kinds are wanted.
        defect_share: of the pictures drawn, 0 to 1.
        side: rows and columns, in pixels, 128 or more.
    """
    flawed = {0.0: 0, 1.0: pictures}.get(defect_share, pictures // 2)
    truths = [Truth.DEFECTIVE] * flawed + [Truth.GOOD] * (pictures - flawed)
    return Stock([_generated(seed, number, truth, side) for number, truth in enumerate(truths, 1)], defect_share)


def _generated(seed: int, number: int, truth: Truth, side: int) -> Specimen:
    share = float(truth is Truth.DEFECTIVE)
    table = GeneratedSource(kind="generated", seed=seed, defect_share=share, size=(side, side))
    pixels = sample(table, number).pixels
    return Specimen(pixels, encode_png(pixels), truth)


def folder_stock(folder: Path, *, pictures: int, defect_share: float, seed: int) -> Stock:
    """Pictures of a folder and all below it.

    A label beside a picture says what the part is; else its folders do: one of `GOOD_FOLDERS` is good, and where there
    is such a one all others are defective. Else nobody knows.

    Args:
        folder: with PNG, JPEG, BMP or TIFF files.
        pictures: most of them that are held in memory; drawn by chance where there are more.
        defect_share: of the pictures drawn, 0 to 1.
        seed: of that chance.

    Raises:
        InvalidParameter: there is no picture.
        InvalidFrame: a file is none.
    """
    files = sorted(_pictures(folder))
    if not files:
        raise InvalidParameter(f"There is no picture ({', '.join(SUFFIXES)}) in {folder}; name a folder of pictures.")
    if len(files) > pictures:
        drawn = Generator(PCG64(seed)).choice(len(files), pictures, replace=False)
        files = [files[index] for index in drawn]
    sorted_out = any(_is_good(path, folder) for path in files)
    return Stock([_loaded(path, folder, sorted_out=sorted_out) for path in files], defect_share)


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not _is_label(path))


def _is_label(path: Path) -> bool:
    return path.stem.endswith(LABEL_MARKS)


def _loaded(path: Path, folder: Path, *, sorted_out: bool) -> Specimen:
    data = path.read_bytes()
    truth = _labelled(path)
    if truth is None:
        by_folder = Truth.GOOD if _is_good(path, folder) else Truth.DEFECTIVE
        truth = by_folder if sorted_out else Truth.UNKNOWN
    return Specimen(decode(data), data, truth)


def _labelled(path: Path) -> Truth | None:
    labels = [path.with_name(path.stem + mark + suffix) for mark in LABEL_MARKS for suffix in SUFFIXES]
    found = next((label for label in labels if label.is_file()), None)
    if found is None:
        return None
    return Truth.DEFECTIVE if decode(found.read_bytes()).any() else Truth.GOOD


def _is_good(path: Path, folder: Path) -> bool:
    above = path.relative_to(folder).parent.parts
    return any(name.lower().replace("-", "_").replace(" ", "_") in GOOD_FOLDERS for name in above)
