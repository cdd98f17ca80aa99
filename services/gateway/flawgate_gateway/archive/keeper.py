"""What runs beside the inspections, so that the archive holds what it must and no more."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.archive.budget import Budget
from flawgate_gateway.archive.observer import PictureObserver
from flawgate_gateway.archive.purging import Purge, PurgeReport
from flawgate_gateway.archive.sweeping import PREFIXES
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.leases import Lease

PURGE = "purge pictures"
"""Name of the lease: one purge at a time is enough."""
LEASE_S = 300.0
"""Longer than any step of a purge takes."""
COUNT_S = 60.0
"""Between counts of what is held, in seconds."""

log = structlog.get_logger(__name__)


class Keeper:
    """Counts what is held, and purges."""

    def __init__(
        self, database: Database, budget: Budget, purge: Purge, observer: PictureObserver, *, interval_s: float
    ) -> None:
        """A keeper that is not running.

        Args:
            database: of the records.
            budget: what is counted.
            purge: what is to go.
            observer: is told of both.
            interval_s: seconds between purges.
        """
        self._database = database
        self._budget = budget
        self._purge = purge
        self._observer = observer
        self._interval_s = interval_s
        self._lease = Lease(database, PURGE, lasts_s=LEASE_S)

    async def run(self) -> None:
        """Until it is cancelled."""
        next_purge = time.monotonic()
        while True:
            await self._safely(self._count)
            if time.monotonic() >= next_purge:
                next_purge = time.monotonic() + self._interval_s
                await self._safely(self._purge_once)
            await asyncio.sleep(min(COUNT_S, self._interval_s))

    async def _count(self) -> None:
        await self._budget.count(self._database)

    async def _purge_once(self) -> None:
        # One of 256 parts of the archive at a time is searched for blobs without a record.
        part = int(time.time() / self._interval_s) % len(PREFIXES)
        report = await purge_alone(self._purge, self._lease, PREFIXES[part : part + 1], careful=True)
        if report is not None:
            self._observer.purge_ended()
            await self._count()
            if report.did_anything:
                log.info("pictures purged", **report.facts())

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong is told, and tried again later."""
        try:
            await work()
        except FlawgateError as err:
            self._observer.failed("purge")
            log.warning("the archive is not looked after", reason=err.reason, detail=err.message)
        except Exception:
            self._observer.failed("purge")
            log.exception("the archive is not looked after")


async def purge_alone(
    purge: Purge, lease: Lease, prefixes: tuple[str, ...], *, careful: bool = False
) -> PurgeReport | None:
    """Purge, as `Purge.run` says, unless another process does so now; then None.

    Raises:
        ArchiveUnavailable: the archive does not answer in time, or refuses.
        RecordsUnavailable: the database does not answer.
    """
    if not await lease.acquire():
        return None
    try:
        return await purge.run(prefixes, lease.acquire, careful=careful)
    finally:
        await lease.release()
