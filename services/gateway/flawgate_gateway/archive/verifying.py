"""Whether the archive holds what the records say: every blob there, and whole."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flawgate_contracts.errors import ArchiveUnavailable
from flawgate_gateway.archive import dues
from flawgate_gateway.archive.blobs import Blobs
from flawgate_gateway.archive.dues import Due
from flawgate_gateway.database.connections import Database

BATCH = 200


@dataclass
class Verification:
    """What was found."""

    pictures: int = 0
    """Inspections whose pictures are kept."""
    blobs: int = 0
    """That they name, each counted once a batch."""
    faults: list[tuple[str, str]] = field(default_factory=list)
    """Inspection, and what is wrong with its pictures."""


async def verify(database: Database, blobs: Blobs, progress: Callable[[int], None] = lambda _: None) -> Verification:
    """Read every blob that the records name.

    Args:
        database: of the records.
        blobs: the archive's.
        progress: is told how many inspections were looked at, now and then.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    found = Verification()
    last: str | None = None
    while batch := await dues.kept_after(database, last, BATCH):
        last = batch[-1].inspection_id
        await _verify(blobs, batch, found)
        progress(found.pictures)
    return found


async def _verify(blobs: Blobs, batch: list[Due], found: Verification) -> None:
    wrong: dict[str, str] = {}
    digests = sorted({digest for due in batch for digest in due.digests})
    for digest in digests:
        try:
            await blobs.get(digest)
        except ArchiveUnavailable as err:
            wrong[digest] = err.message
    found.pictures += len(batch)
    found.blobs += len(digests)
    found.faults += [(due.inspection_id, wrong[digest]) for due in batch for digest in due.digests if digest in wrong]
