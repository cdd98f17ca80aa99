"""Blobs in an object store such as S3, by fsspec. An object is there whole or not at all: the store sees to that."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import fsspec

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.archive.blobs import Listed, Quarantined
from flawgate_gateway.database.moments import to_us

CONNECT_S = 3
READ_S = 5
"""Longest waits of one try for S3, in seconds; there are two tries."""

NO_BUCKET = "NoSuchBucket"
"""S3's code of the error that its client keeps as the cause."""

S3_OPTIONS: dict[str, Any] = {
    "config_kwargs": {"connect_timeout": CONNECT_S, "read_timeout": READ_S, "retries": {"max_attempts": 2}},
}


class ObjectStore:
    """Below a prefix: `blobs/ab/cd/<digest>` and `quarantine/ab/<digest>.<moment>`, as in a folder.

    A blob is quarantined by a copy, then deleted from its place: one that is written between the two is quarantined.
    """

    def __init__(self, url: str) -> None:
        """A store; nothing is asked of it yet.

        Args:
            url: such as `s3://bucket/prefix`; keys and endpoint come from where the client looks (`AWS_...`).

        Raises:
            InvalidParameter: no client for such URLs is installed.
        """
        options = S3_OPTIONS if url.startswith("s3:") else {}
        try:
            self._files, root = fsspec.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True, **options)
        except (ImportError, ValueError) as err:
            raise InvalidParameter(
                "The archive's URL is of a kind that nothing installed here can reach; name a folder, or for s3:// "
                "install flawgate-gateway[s3].",
                {"field": "archive_url"},
            ) from err
        self._files.retries = 2
        self._root = str(root).rstrip("/")

    def put(self, digest: str, data: bytes) -> None:
        """See `BlobStore`. It is written even where it stands: that costs no more than asking."""
        with _translated():
            self._files.pipe_file(self._place(digest), data)

    def get(self, digest: str) -> bytes:
        """See `BlobStore`."""
        with _translated():
            with suppress(FileNotFoundError):
                return self._read(self._place(digest))
            for key in self._files.find(self._ward(digest), prefix=f"{digest}."):
                with suppress(FileNotFoundError):
                    return self._read(key)
            return self._read(self._place(digest))  # it was put back between the two looks

    def quarantine(self, digest: str, since_us: int) -> None:
        """See `BlobStore`."""
        self._move(self._place(digest), self._bed(Quarantined(digest, since_us)))

    def quarantined(self) -> Iterator[Quarantined]:
        """See `BlobStore`."""
        with _translated():
            for key in self._files.find(f"{self._root}/quarantine"):
                digest, _, since_us = key.rpartition("/")[2].partition(".")
                yield Quarantined(digest, int(since_us))

    def restore(self, blob: Quarantined) -> None:
        """See `BlobStore`."""
        self._move(self._bed(blob), self._place(blob.digest))

    def discard(self, blob: Quarantined) -> None:
        """See `BlobStore`."""
        with _translated(), suppress(FileNotFoundError):
            self._files.rm_file(self._bed(blob))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """See `BlobStore`."""
        with _translated():
            found: dict[str, dict[str, Any]] = self._files.find(f"{self._root}/blobs/{prefix}", detail=True)
            for key, facts in found.items():
                yield Listed(key.rpartition("/")[2], to_us(_modified(facts)))

    def tidy(self, before_us: int) -> None:
        """See `BlobStore`. An object store shows nothing half written."""

    def check(self) -> None:
        """See `BlobStore`: one that is not there is asked for, which needs the store, its bucket's rights and a key."""
        with _translated():
            try:
                self._read(self._place("0" * 64))
            except FileNotFoundError as err:
                # To S3's client a bucket that is gone is a file that is not there.
                if NO_BUCKET in str(err.__cause__):
                    raise OSError(errno.ENOENT, NO_BUCKET) from err

    def _read(self, key: str) -> bytes:
        data: bytes = self._files.cat_file(key)
        return data

    def _move(self, source: str, target: str) -> None:
        with _translated(), suppress(FileNotFoundError):
            self._files.cp_file(source, target)
            self._files.rm_file(source)

    def _place(self, digest: str) -> str:
        return f"{self._root}/blobs/{digest[:2]}/{digest[2:4]}/{digest}"

    def _ward(self, digest: str) -> str:
        return f"{self._root}/quarantine/{digest[:2]}"

    def _bed(self, blob: Quarantined) -> str:
        return f"{self._ward(blob.digest)}/{blob.digest}.{blob.since_us}"


def _modified(facts: dict[str, Any]) -> datetime:
    """When an object was written: S3 and fsspec's own stores name it differently."""
    moment: datetime = facts["LastModified"] if "LastModified" in facts else facts["created"]
    return moment


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what a client says as the system's errors; a client raises whatever it likes."""
    try:
        yield
    except OSError:
        raise
    except Exception as err:
        raise OSError(errno.EIO, type(err).__name__) from err
