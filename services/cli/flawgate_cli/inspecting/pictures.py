"""Finding the pictures that a person means."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from flawgate_contracts.errors import InvalidParameter

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
LABEL_MARK = "_label"
"""`Part0_label.png` is the label of `Part0.jpg` (KolektorSDD): no frame."""


def find_pictures(paths: Iterable[Path]) -> list[Path]:
    """The files named, and the pictures in the folders named, walked in sorted order. Labels are left out.

    Raises:
        InvalidParameter: a path does not exist, or no picture was found.
    """
    found = [picture for path in paths for picture in _walk(path)]
    if not found:
        raise InvalidParameter(f"No picture was found; looked for files ending in {', '.join(sorted(SUFFIXES))}.")
    return found


def _walk(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (inner for inner in sorted(path.rglob("*")) if _is_picture(inner))
    elif path.exists():
        yield path
    else:
        raise InvalidParameter(f"There is no file or folder {path}.")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.stem.endswith(LABEL_MARK) and path.is_file()
