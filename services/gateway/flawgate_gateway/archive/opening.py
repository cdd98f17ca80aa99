"""An archive as the gateway, or a command, is told to keep it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from flawgate_gateway.archive.blobs import Blobs
from flawgate_gateway.archive.budget import Budget
from flawgate_gateway.archive.folder import FolderStore
from flawgate_gateway.archive.keeper import Keeper
from flawgate_gateway.archive.keeping import PictureArchive
from flawgate_gateway.archive.objects import ObjectStore
from flawgate_gateway.archive.observer import PictureObserver
from flawgate_gateway.archive.purging import Purge
from flawgate_gateway.archive.terms import ArchiveTerms
from flawgate_gateway.database.connections import Database


@contextmanager
def opened_blobs(terms: ArchiveTerms) -> Iterator[Blobs]:
    """The blobs of an archive, until the end of the block; nothing is asked of it yet.

    Raises:
        InvalidParameter: nothing installed here can reach it.
    """
    folder = terms.url.removeprefix("file://")
    store = ObjectStore(terms.url) if "://" in folder else FolderStore(Path(folder))
    blobs = Blobs(store, workers=terms.workers, timeout_s=terms.timeout_s)
    try:
        yield blobs
    finally:
        blobs.close()


@asynccontextmanager
async def kept_archive(
    terms: ArchiveTerms, database: Database, observer: PictureObserver
) -> AsyncIterator[PictureArchive]:
    """An archive that is looked after until the end of the block.

    Raises:
        InvalidParameter: nothing installed here can reach it.
    """
    with opened_blobs(terms) as blobs:
        budget = Budget(max_bytes=terms.max_bytes, observer=observer)
        purge = Purge(database, blobs, observer, max_bytes=terms.max_bytes)
        keeper = Keeper(database, budget, purge, observer, interval_s=terms.purge_interval_s)
        keeping = asyncio.ensure_future(keeper.run())
        try:
            yield PictureArchive(blobs, terms.retention, budget, observer)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
