"""Pictures and masks as files: where they lie, and how one is read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flawgate_contracts.errors import FlawgateError, InvalidDataset
from flawgate_imaging.decoding import decode
from flawgate_training.datasets.items import Picture, Pixels, Subset
from flawgate_training.datasets.masks import Coding
from flawgate_training.datasets.problems import fault

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
"""Endings of picture files, in small letters; files may have capital ones."""

LOSSY = frozenset({".jpg", ".jpeg"})
"""Endings of pictures that cannot be masks: compression changes their values."""

SUBSETS: dict[str, Subset] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""Names, in small letters, of folders that ship a division."""


@dataclass(frozen=True)
class FileSource:
    """A picture in a file, and its mask in another.

    Attributes:
        folder: of the data set.
        picture: path below it, with `/`.
        mask: path below it; where None, nothing is marked.
        coding: what the mask's values mean; None where the data set has labels alone.
    """

    folder: Path
    picture: str
    mask: str | None = None
    coding: Coding | None = None

    def read(self) -> Picture:
        """See `Source.read`."""
        return self.decoded(self.encoded())

    def encoded(self) -> bytes:
        """The picture's file.

        Raises:
            InvalidDataset: it cannot be read.
        """
        return content(self.folder / self.picture)

    def decoded(self, data: bytes) -> Picture:
        """The picture and its mask.

        Args:
            data: the picture's file.

        Raises:
            InvalidDataset: see `Source.read`.
        """
        try:
            pixels = decode(data)
        except FlawgateError as err:
            raise _corrupt(self.folder / self.picture, err) from err
        return Picture(pixels, self._mask(pixels.shape[:2]))

    def _mask(self, size: tuple[int, ...]) -> Pixels | None:
        if self.coding is None:
            return None
        if self.mask is None:
            return np.zeros(size, np.uint8)
        path = self.folder / self.mask
        data = content(path)
        try:
            mask = self.coding(data)
        except ValueError as err:
            raise fault("values", path, str(err)) from err
        except FlawgateError as err:
            raise _corrupt(path, err) from err
        if mask.shape != size:
            has, wants = (f"{shape[0]}×{shape[1]}" for shape in (mask.shape, size))
            raise fault("size", path, f"{has}, its picture {wants}")
        return mask


def pictures(folder: Path) -> list[str]:
    """All pictures anywhere below a folder, as paths below it with `/`, sorted. Hidden files and folders do not count.

    Raises:
        InvalidDataset: there is no such folder.
    """
    if not folder.is_dir():
        raise InvalidDataset(f"There is no folder {folder}; give the one that holds the pictures.")
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(
        path.as_posix()
        for path in found
        if not any(part.startswith(".") for part in path.parts) and (folder / path).is_file()
    )


def folders(folder: Path) -> list[str]:
    """Names of the folders directly in a folder, sorted; hidden ones do not count."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def subset_folders(folder: Path) -> dict[str, Subset]:
    """Folders directly in a folder that ship a division: name → subset."""
    return {name: SUBSETS[name.lower()] for name in folders(folder) if name.lower() in SUBSETS}


def stem(path: str) -> str:
    """The path without the ending of its file."""
    return path.removesuffix(Path(path).suffix)


def subset_of(name: str) -> Subset | None:
    """The subset that the first folder of a picture's name ships it in; None where that is no subset's."""
    first, slash, _ = name.partition("/")
    return SUBSETS.get(first.lower()) if slash else None


def content(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        InvalidDataset: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as err:
        raise fault("corrupt", path, err.strerror or "cannot be opened") from err


def _corrupt(path: Path, err: FlawgateError) -> InvalidDataset:
    """What the decoder says is wrong; its advice is for senders of frames."""
    return fault("corrupt", path, err.message.split(";")[0].rstrip("."))
