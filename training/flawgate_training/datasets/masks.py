"""From a mask file to class indices: binary masks of any mark, and masks whose values are the indices themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_imaging.decoding import decode, sniff
from flawgate_imaging.header import open_picture, refusing_damage
from flawgate_imaging.layouts import exif_orientation, upright
from flawgate_training.datasets.items import Pixels


@dataclass(frozen=True)
class Marked:
    """Every pixel that is not black belongs to one class.

    Attributes:
        index: of that class.
    """

    index: int = 1

    def __call__(self, data: bytes) -> Pixels:
        """(H, W), uint8: `index` where the mask is not black, else 0.

        Raises:
            InvalidRequest: see `decoding.decode`.
        """
        # Of 16-bit samples `decode` keeps the high byte, in which a mark of 1 would be lost.
        values = stored(data) if sniff(data).bit_depth == 16 else decode(data)
        marked = values.any(axis=2) if values.ndim == 3 else values > 0
        return np.where(marked, np.uint8(self.index), np.uint8(0))


@dataclass(frozen=True)
class Indexed:
    """Values are class indices; of a palette picture, the palette's, whatever colours they show.

    Attributes:
        highest: index of the last class, 1–255.
    """

    highest: int

    def __call__(self, data: bytes) -> Pixels:
        """(H, W), uint8, 0–`highest`.

        Raises:
            InvalidRequest: see `decoding.decode`.
            ValueError: a value beyond the classes, or colours instead of values; a clause that says which.
        """
        values = stored(data)
        if values.ndim == 3:
            if (values != values[..., :1]).any():
                raise ValueError("colours instead of class indices; save it as a grey or palette PNG")
            values = values[..., 0]
        found = int(values.max())
        if found > self.highest:
            raise ValueError(f"value {found}; the classes name 0 to {self.highest}")
        return values.astype(np.uint8)


Coding = Marked | Indexed


def stored(data: bytes) -> NDArray[Any]:
    """The samples as they stand in the file, where `decoding.decode` would stretch, shorten or colour them.

    Returns:
        (H, W): palette indices, or samples of 1, 2, 4, 8 or 16 bit as unsigned integers of 8 or 16 bit; (H, W, 3),
        uint8, for colours.

    Raises:
        InvalidRequest: see `decoding.decode`, whose limits hold here too.
    """
    pixels = decode(data)
    header = sniff(data)
    picture = open_picture(data, header.format)
    if picture.mode not in {"1", "P"} and header.bit_depth == 8:
        return pixels
    with refusing_damage(header.format):
        raw = np.asarray(picture)
        if picture.mode in {"1", "P"} or picture.mode.startswith("I;16"):
            return upright(raw, exif_orientation(picture))
    # Pillow spreads grey samples of 2 and 4 bit over 0–255.
    return pixels // (255 // (2**header.bit_depth - 1)) if header.bit_depth < 8 else pixels
