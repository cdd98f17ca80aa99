"""The purge: pictures whose time is over go, and never those that a hold names, or blobs that others still need.

Whatever moment it is killed at, the next purge goes on from there: docs/decisions/0010 says why, step by step.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flawgate_gateway.archive import dues
from flawgate_gateway.archive.blobs import Blobs
from flawgate_gateway.archive.budget import kept_bytes
from flawgate_gateway.archive.dues import Due
from flawgate_gateway.archive.observer import PictureObserver
from flawgate_gateway.archive.sweeping import GRACE_S, Sweep
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us

BATCH = 200
"""Inspections whose pictures go together."""

GoOn = Callable[[], Awaitable[bool]]
Step = Callable[[str], None]


@dataclass
class PurgeReport:
    """What a purge did."""

    pictures: Counter[str] = field(default_factory=Counter)
    """Evaluation → inspections whose pictures went."""
    stored_bytes: Counter[str] = field(default_factory=Counter)
    """Evaluation → their bytes."""
    orphans: int = 0
    """Blobs that no record names."""
    restored: int = 0
    """Blobs that were put back, since a record came to name them meanwhile."""
    deleted: int = 0
    """Blobs that are gone for good."""

    def facts(self) -> dict[str, Any]:
        """For the log, and for programs."""
        return {**asdict(self), "pictures": dict(self.pictures), "stored_bytes": dict(self.stored_bytes)}

    @property
    def did_anything(self) -> bool:
        """Whether anything went, or was put back."""
        return any(self.facts().values())


class Purge:
    """Deletes what need not be kept, batch by batch."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        observer: PictureObserver,
        *,
        max_bytes: int,
        grace_s: float = GRACE_S,
        batch: int = BATCH,
        on_step: Step = lambda _: None,
    ) -> None:
        """A purge.

        Args:
            database: of the records.
            blobs: the archive's.
            observer: is told what went.
            max_bytes: beyond it the oldest pictures of good parts go before their time.
            grace_s: see `Sweep`.
            batch: inspections whose pictures go together.
            on_step: is told the name of each step before it is taken.
        """
        self._database = database
        self._blobs = blobs
        self._observer = observer
        self._max_bytes = max_bytes
        self._batch = batch
        self._sweep = Sweep(database, blobs, grace_s=grace_s, on_step=on_step)
        self._on_step = on_step

    async def run(self, prefixes: Sequence[str], go_on: GoOn, *, careful: bool = False) -> PurgeReport:
        """Purge.

        Args:
            prefixes: first two digits of the digests among which blobs without a record are looked for.
            go_on: asked before each batch; False ends the purge there.
            careful: see `Sweep.isolate_orphans`.

        Raises:
            ArchiveUnavailable: the archive does not answer in time, or refuses; what is left is done next time.
            RecordsUnavailable: the database does not answer; the same.
        """
        report = PurgeReport()
        for take in (self._unfinished, self._expired, self._spare):
            while await go_on() and (taken := await take()):
                await self._empty(taken)
                self._count(taken, report)
        for prefix in prefixes:
            if await go_on():
                report.orphans += await self._sweep.isolate_orphans(prefix, careful=careful)
        if await go_on():
            report.restored, report.deleted = await self._sweep.clear()
        return report

    def _count(self, gone: Sequence[Due], report: PurgeReport) -> None:
        for due in gone:
            report.pictures[due.evaluation] += 1
            report.stored_bytes[due.evaluation] += due.stored_bytes
            self._observer.purged(due.evaluation, due.stored_bytes)

    async def _unfinished(self) -> list[Due]:
        return await dues.unfinished(self._database, self._batch)

    async def _expired(self) -> list[Due]:
        self._on_step("mark")
        return await dues.mark_expired(self._database, self._batch)

    async def _spare(self) -> list[Due]:
        too_much = await kept_bytes(self._database) - self._max_bytes
        return await dues.mark_spare(self._database, self._batch, too_much) if too_much > 0 else []

    async def _empty(self, taken: Sequence[Due]) -> None:
        """Isolate the blobs that none but these name, then forget their digests."""
        digests = {digest for due in taken for digest in due.digests}
        needed = await dues.named(self._database, digests)
        now = now_us()
        for digest in sorted(digests - needed):
            self._on_step("isolate")
            await self._blobs.quarantine(digest, now)
        self._on_step("forget")
        await dues.forget(self._database, taken)
