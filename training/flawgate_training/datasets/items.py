"""What every data set gives first: items, known by name and label but not kept in memory."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from flawgate_training.datasets.about import About

Pixels = NDArray[np.uint8]
Subset = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Picture:
    """A frame as decoded, and its mask.

    Attributes:
        pixels: (H, W) or (H, W, 3), uint8, 0–255.
        mask: (H, W), uint8: index into the data set's classes, 0 for background; None where frames have labels alone.
    """

    pixels: Pixels
    mask: Pixels | None


class Source(Protocol):
    """Where a picture comes from: files, or a generator. Picklable, so that loader processes can read too."""

    def read(self) -> Picture:
        """The picture, decoded anew at every call.

        Raises:
            InvalidDataset: a file is missing or cannot be decoded, or a mask does not fit its frame.
        """
        ...


@dataclass(frozen=True)
class Item:
    """One frame of a data set.

    Attributes:
        name: unique within the data set, e.g. `kos01/Part5`.
        group: frames of one group show the same part, so a split never parts them.
        label: index into the data set's classes: the frame's class or, with masks, that of most of its marked pixels.
        defective: whether the part is bad: any class but the good one. False throughout where no class means bad.
        sha256: of the frame's bytes (where it is generated, of all that determines it: generator, kind and seed), as
            hexadecimal digits.
        source: the picture.
        shipped: the subset in which the data set ships it; None where it ships none.
        pixels_sha256: of the decoded pixels and their shape, so that one picture in two files is known; empty where it
            is generated.
    """

    name: str
    group: str
    label: int
    defective: bool
    sha256: str
    source: Source
    shipped: Subset | None = None
    pixels_sha256: str = ""


@dataclass(frozen=True)
class Dataset:
    """All frames of a data set.

    Attributes:
        about: where it comes from.
        classes: names, by index. With masks, 0 is the background.
        items: ordered by name; generated ones by seed.
        masked: whether pictures have masks.
        skipped: names of corrupt pictures that were left out, because the user asked for that.
    """

    about: About
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    masked: bool
    skipped: tuple[str, ...] = ()
