"""Files that are there whole or not at all, whenever the process is killed or the disk is full."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flawgate_contracts.errors import DiskFull, InvalidParameter

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says of a full disk, or of a full share of it."""

PART = ".part"
"""Ends the name of a file that is still being written; where one is left behind, its writer was killed."""


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file; a reader sees the old one or the new one.

    Args:
        path: of the file; its folder exists.
        data: what it holds.

    Raises:
        DiskFull: no space is left; what stood there before is whole.
        InvalidParameter: the file cannot be written; what stood there before is whole.
    """
    with telling_of_the_disk(path.parent):
        put_whole(path, data)


def put_whole(path: Path, data: bytes | memoryview) -> None:
    """As `write_whole`, with the system's own errors: written beside its place, settled on the disk, renamed.

    Raises:
        OSError: the file cannot be written.
    """
    staged = path.with_name(f".{path.name}{PART}")
    write_settled(staged, data)
    staged.replace(path)
    settle(path.parent)


def write_settled(path: Path, data: bytes | memoryview) -> None:
    """Write a file that the disk has before this returns; its folder may not list it yet, see `settle`.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    try:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def settle(folder: Path) -> None:
    """Make the disk remember what a folder lists, e.g. after a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle_tree(folder: Path) -> None:
    """Make the disk remember every file and folder below, and the folder itself."""
    for path in (*folder.rglob("*"), folder):
        settle(path)


@contextmanager
def telling_of_the_disk(folder: Path) -> Iterator[None]:
    """Say in a sentence that a folder cannot be written to.

    Raises:
        DiskFull: instead of the system's error, where no space is left.
        InvalidParameter: instead of any other of the system's errors.
    """
    try:
        yield
    except OSError as err:
        raise refusal(folder, err) from err


def refusal(folder: Path, error: OSError) -> DiskFull | InvalidParameter:
    """What to say where the system refuses to write into a folder."""
    if error.errno in NO_SPACE:
        return DiskFull(f"No space is left in {folder}; free some and repeat the command.")
    where, why = error.filename or folder, error.strerror or error
    sentence = f"{where} cannot be written to ({why}); make it writable, or name another folder."
    return InvalidParameter(sentence, {"field": "folder"})
