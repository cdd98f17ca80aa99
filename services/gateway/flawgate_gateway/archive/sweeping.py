"""Sweeping: blobs that nobody names wait in quarantine for as long as somebody may be about to; then they go."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import structlog

from flawgate_gateway.archive import dues
from flawgate_gateway.archive.blobs import Blobs, Quarantined
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us

GRACE_S = 3600.0
"""Seconds from a blob's writing to the record that names it, at the very most; it takes less than a minute."""

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""All that digests may begin with."""

BATCH = 200

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Sweep:
    """Isolates blobs without a record, and clears the quarantine."""

    def __init__(
        self, database: Database, blobs: Blobs, *, grace_s: float = GRACE_S, on_step: Callable[[str], None]
    ) -> None:
        """A sweep.

        Args:
            database: of the records.
            blobs: the archive's.
            grace_s: younger blobs are left alone, and isolated ones wait so long: a record that names them may come.
            on_step: is told the name of each step before it is taken.
        """
        self._database = database
        self._blobs = blobs
        self._grace_us = round(grace_s * 1_000_000)
        self._on_step = on_step

    async def isolate_orphans(self, prefix: str, *, careful: bool) -> int:
        """Isolate blobs whose record was never written, since the gateway was killed or the database was down.

        Args:
            prefix: first two digits of the digests among which they are looked for.
            careful: leave them alone where they are the most: their records may be in another database.

        Returns:
            How many.
        """
        now = now_us()
        old = [blob.digest for blob in await self._blobs.listed(prefix) if blob.modified_us < now - self._grace_us]
        orphans = [digest for batch in _batches(old) for digest in await self._without_record(batch)]
        if careful and len(orphans) > len(old) // 2:
            log.warning(
                "most pictures in a part of the archive have no record here; none of them is deleted: see that the "
                "gateway has the right database",
                part=prefix,
                blobs=len(old),
                without_record=len(orphans),
            )
            return 0
        for digest in orphans:
            self._on_step("isolate orphan")
            await self._blobs.quarantine(digest, now)
        return len(orphans)

    async def _without_record(self, digests: Sequence[str]) -> list[str]:
        return sorted(set(digests) - await dues.named(self._database, digests))

    async def clear(self) -> tuple[int, int]:
        """Put back what a record has come to name, delete the rest, and what killed writers left half written.

        Returns:
            How many were put back, and how many deleted.
        """
        before = now_us() - self._grace_us
        await self._blobs.tidy(before)
        ripe = [blob for blob in await self._blobs.quarantined() if blob.since_us < before]
        restored = 0
        for batch in _batches(ripe):
            restored += await self._clear(batch)
        return restored, len(ripe) - restored

    async def _clear(self, ripe: Sequence[Quarantined]) -> int:
        named = await dues.named(self._database, [blob.digest for blob in ripe])
        for blob in ripe:
            self._on_step("clear")
            await (self._blobs.restore(blob) if blob.digest in named else self._blobs.discard(blob))
        return sum(blob.digest in named for blob in ripe)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
