"""Files of the log: each holds records of consecutive numbers, and is named after the first of them."""

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from flawgate_camera.delivery.spool.records import HEAD_BYTES, MAGIC, Head, head_of
from flawgate_contracts.repository.files import settle

SUFFIX = ".frames"
_OPENING = b"FLAWGATE SPOOL 1"
OPENING_BYTES = len(_OPENING) + 16
"""What a file begins with: what it is, and the stream whose numbers it holds."""


@dataclass(slots=True)
class Segment:
    """One file.

    Attributes:
        path: its place.
        first: the first number that it may hold.
        last: the last one that it holds for sure; `first - 1` where it holds none.
        size: bytes up to the end of its last record.
        written: when its last record was written, in seconds of the spool's clock.
    """

    path: Path
    first: int
    last: int
    size: int
    written: float


@dataclass(frozen=True, slots=True)
class Located:
    """Where a record begins, in bytes from the start of its file."""

    offset: int
    head: Head

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.head.total


def create(folder: Path, first: int, stream_id: UUID) -> tuple[Path, int]:
    """A new file, that the disk remembers.

    Returns:
        Its place, and a descriptor to append with.

    Raises:
        OSError: it cannot be made; nothing is left of it.
    """
    path = folder / f"{first:020d}{SUFFIX}"
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        write_all(descriptor, _OPENING + stream_id.bytes)
        os.fsync(descriptor)
        settle(folder)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return path, descriptor


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte.

    Raises:
        OSError: the system took less.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def found(folder: Path) -> list[Path]:
    """The files, in the order of their numbers."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def first_of(path: Path) -> int:
    """The first number that a file may hold."""
    return int(path.name.removesuffix(SUFFIX))


def stream_of(path: Path) -> UUID | None:
    """The stream whose numbers a file holds; None where its beginning is damaged."""
    with path.open("rb") as file:
        opening = file.read(OPENING_BYTES)
    return UUID(bytes=opening[len(_OPENING) :]) if _is_whole(opening) else None


def located(path: Path, offset: int = OPENING_BYTES) -> Iterator[Located]:
    """The records from there on, by their heads alone; what is damaged or cut off between them is passed over."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while offset < size:
            head = head_of(os.pread(file.fileno(), HEAD_BYTES, offset))
            if head is None or offset + head.total > size:
                offset = _next_head(file.fileno(), offset + 1, size)
                continue
            here = Located(offset, head)
            yield here
            offset = here.end


def _next_head(descriptor: int, offset: int, size: int) -> int:
    """Where the next bytes stand that may be a head; the file's size where there are none."""
    if offset >= size:
        return size
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as data:
        place = data.find(MAGIC, offset)
    return place if place >= 0 else size


def _is_whole(opening: bytes) -> bool:
    return len(opening) == OPENING_BYTES and opening.startswith(_OPENING)
