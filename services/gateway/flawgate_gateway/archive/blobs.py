"""Blobs, each named by the SHA-256 of its bytes: where they lie, and how they are reached without waiting for ever."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flawgate_contracts.errors import ArchiveUnavailable, DiskFull
from flawgate_contracts.repository.files import NO_SPACE

T = TypeVar("T")

LISTING_S = 120.0
"""Longest time for listing blobs, of which a purge alone has need, in seconds."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A blob that was taken out of its place, and is not deleted yet."""

    digest: str
    since_us: int
    """When, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A blob in its place."""

    digest: str
    modified_us: int
    """When it was written, in microseconds since 1970, by the clock of whoever stores it."""


class BlobStore(Protocol):
    """A place for blobs. Its methods block; several gateways may use one place at once."""

    def put(self, digest: str, data: bytes) -> None:
        """Keep a blob, whole or not at all; nothing happens where it is in its place. Raises `OSError`."""
        ...

    def get(self, digest: str) -> bytes:
        """A blob, in its place or quarantined. Raises `FileNotFoundError` where it is neither, or `OSError`."""
        ...

    def quarantine(self, digest: str, since_us: int) -> None:
        """Take a blob out of its place; nothing happens where it is not there. Raises `OSError`."""
        ...

    def quarantined(self) -> Iterator[Quarantined]:
        """All that are out of their places. Raises `OSError`."""
        ...

    def restore(self, blob: Quarantined) -> None:
        """Put a blob back into its place; nothing happens where it is not quarantined. Raises `OSError`."""
        ...

    def discard(self, blob: Quarantined) -> None:
        """Delete a quarantined blob; nothing happens where it is gone. Raises `OSError`."""
        ...

    def listed(self, prefix: str) -> Iterator[Listed]:
        """The blobs in their places whose digests begin with two hexadecimal digits. Raises `OSError`."""
        ...

    def tidy(self, before_us: int) -> None:
        """Delete what writers that were killed before a moment left half written. Raises `OSError`."""
        ...

    def check(self) -> None:
        """See whether the place can be used. Raises `OSError` where it cannot."""
        ...


def sha256_of(data: bytes) -> str:
    """The digest of a blob, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def checked_digest(digest: str) -> str:
    """A digest that may become a part of a path.

    Raises:
        ArchiveUnavailable: it is none.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise ArchiveUnavailable(f"{digest[:80]!r} is no SHA-256 of a picture; the record that names it is damaged.")
    return digest


class Blobs:
    """A store behind threads of its own, so that one which hangs stops nobody but those who wait for it."""

    def __init__(self, store: BlobStore, *, workers: int, timeout_s: float) -> None:
        """Blobs in a store.

        Args:
            store: where they lie.
            workers: calls of the store at once; further ones wait.
            timeout_s: longest time of a call, waiting included, in seconds.
        """
        self._store = store
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="archive")
        self._timeout_s = timeout_s

    async def call(self, work: Callable[[BlobStore], T], *, timeout_s: float | None = None) -> T:
        """Let a thread do something with the store.

        Args:
            work: what to do.
            timeout_s: longest time for it, waiting included, in seconds; that of all calls where None.

        Raises:
            ArchiveUnavailable: the store does not answer in time, or refuses.
            DiskFull: no space is left.
        """
        longest_s = timeout_s or self._timeout_s
        try:
            async with asyncio.timeout(longest_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work, self._store)
        except TimeoutError as err:
            raise ArchiveUnavailable(
                f"The archive of pictures did not answer within {longest_s:g} s; send the request again shortly."
            ) from err
        except OSError as err:
            raise _refusal(err) from err

    async def put(self, digest: str, data: bytes) -> None:
        """Keep a blob.

        Args:
            digest: its SHA-256, hexadecimal.
            data: its bytes.

        Raises:
            ArchiveUnavailable: the store does not answer in time, or refuses.
            DiskFull: no space is left.
        """
        await self.call(lambda store: store.put(checked_digest(digest), data))

    async def get(self, digest: str) -> bytes:
        """A blob, held against its digest.

        Raises:
            ArchiveUnavailable: the store does not answer in time, or the blob is missing or damaged.
        """
        return await self.call(lambda store: read_whole(store, digest))

    async def quarantine(self, digest: str, since_us: int) -> None:
        """Take a blob out of its place. Raises as `call`."""
        await self.call(lambda store: store.quarantine(checked_digest(digest), since_us))

    async def restore(self, blob: Quarantined) -> None:
        """Put a blob back into its place. Raises as `call`."""
        await self.call(lambda store: store.restore(blob))

    async def discard(self, blob: Quarantined) -> None:
        """Delete a quarantined blob. Raises as `call`."""
        await self.call(lambda store: store.discard(blob))

    async def quarantined(self) -> list[Quarantined]:
        """All that are out of their places. Raises as `call`."""
        return await self.call(lambda store: list(store.quarantined()), timeout_s=LISTING_S)

    async def listed(self, prefix: str) -> list[Listed]:
        """The blobs in their places whose digests begin with two hexadecimal digits. Raises as `call`."""
        return await self.call(lambda store: list(store.listed(prefix)), timeout_s=LISTING_S)

    async def tidy(self, before_us: int) -> None:
        """Delete what writers that were killed before a moment left half written. Raises as `call`."""
        await self.call(lambda store: store.tidy(before_us), timeout_s=LISTING_S)

    async def check(self) -> None:
        """See whether the store can be used. Raises as `call`."""
        await self.call(lambda store: store.check())

    def close(self) -> None:
        """Take nothing on any more; calls that hang are left to themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def read_whole(store: BlobStore, digest: str) -> bytes:
    """A blob, held against its digest.

    Raises:
        ArchiveUnavailable: it is missing or damaged.
        OSError: the store cannot be read.
    """
    try:
        data = store.get(checked_digest(digest))
    except FileNotFoundError as err:
        raise ArchiveUnavailable(
            f"The blob {digest} is missing from the archive of pictures; put it back from a backup.",
            {"sha256": digest},
        ) from err
    if sha256_of(data) != digest:
        raise ArchiveUnavailable(
            f"The blob {digest} in the archive of pictures is damaged; put it back from a backup.", {"sha256": digest}
        )
    return data


def _refusal(error: OSError) -> ArchiveUnavailable | DiskFull:
    """What a store refused, without its path or address, which are nobody's business outside."""
    if error.errno in NO_SPACE:
        return DiskFull("No space is left for pictures; free some, or keep fewer of them, then send the request again.")
    return ArchiveUnavailable(
        f"The archive of pictures cannot be used ({error.strerror or type(error).__name__}); "
        "see that it is there and may be written to."
    )
