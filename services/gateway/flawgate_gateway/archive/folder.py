"""Blobs in a folder: whole or not there, whenever the process is killed or the power fails."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from flawgate_contracts.repository.files import settle, write_settled
from flawgate_gateway.archive.blobs import Listed, Quarantined


class FolderStore:
    """Below a folder: `blobs/ab/cd/<digest>`, `quarantine/ab/<digest>.<moment>`, and `staging` for what is written."""

    def __init__(self, root: Path) -> None:
        """A store, whose folder is made once it is needed."""
        self._blobs = root / "blobs"
        self._quarantine = root / "quarantine"
        self._staging = root / "staging"

    def put(self, digest: str, data: bytes) -> None:
        """See `BlobStore`. One of another length than it should have is written anew."""
        place = self._place(digest)
        with suppress(FileNotFoundError):
            if place.stat().st_size == len(data):
                return
        staged = self._written(data)
        try:
            _make(place.parent)
            staged.replace(place)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        settle(place.parent)

    def get(self, digest: str) -> bytes:
        """See `BlobStore`."""
        with suppress(FileNotFoundError):
            return self._place(digest).read_bytes()
        for path in self._ward(digest).glob(f"{digest}.*"):
            with suppress(FileNotFoundError):
                return path.read_bytes()
        return self._place(digest).read_bytes()  # it was put back between the two looks

    def quarantine(self, digest: str, since_us: int) -> None:
        """See `BlobStore`."""
        self._ward(digest).mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._place(digest).rename(self._bed(Quarantined(digest, since_us)))

    def quarantined(self) -> Iterator[Quarantined]:
        """See `BlobStore`."""
        for path in self._quarantine.glob("??/*.*"):
            digest, _, since_us = path.name.partition(".")
            yield Quarantined(digest, int(since_us))

    def restore(self, blob: Quarantined) -> None:
        """See `BlobStore`."""
        place = self._place(blob.digest)
        _make(place.parent)
        with suppress(FileNotFoundError):
            self._bed(blob).replace(place)
        settle(place.parent)

    def discard(self, blob: Quarantined) -> None:
        """See `BlobStore`."""
        self._bed(blob).unlink(missing_ok=True)

    def listed(self, prefix: str) -> Iterator[Listed]:
        """See `BlobStore`."""
        for path in (self._blobs / prefix).glob("??/*"):
            with suppress(FileNotFoundError):
                yield Listed(path.name, path.stat().st_mtime_ns // 1000)

    def tidy(self, before_us: int) -> None:
        """See `BlobStore`."""
        for path in self._staging.glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime_ns // 1000 < before_us:
                    path.unlink()

    def _place(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest[2:4] / digest

    def _ward(self, digest: str) -> Path:
        return self._quarantine / digest[:2]

    def _bed(self, blob: Quarantined) -> Path:
        return self._ward(blob.digest) / f"{blob.digest}.{blob.since_us}"

    def check(self) -> None:
        """See `BlobStore`: a file is begun, and thrown away."""
        self._staging.mkdir(parents=True, exist_ok=True)
        staged = self._staging / uuid4().hex
        staged.touch()
        staged.unlink(missing_ok=True)

    def _written(self, data: bytes) -> Path:
        """A new file beside the blobs, settled on the disk."""
        self._staging.mkdir(parents=True, exist_ok=True)
        staged = self._staging / uuid4().hex
        write_settled(staged, data)
        return staged


def _make(folder: Path) -> None:
    """Make a folder that the disk remembers, and the one above it."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        settle(folder.parent)
        settle(folder.parent.parent)
