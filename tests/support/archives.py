"""Archives of pictures, and inspections whose pictures are in them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select

from flawgate_gateway.answer import FrameFacts, Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.archive.blobs import Blobs, BlobStore, sha256_of
from flawgate_gateway.archive.budget import Budget
from flawgate_gateway.archive.keeping import PictureArchive
from flawgate_gateway.archive.observer import Operation, Skipped
from flawgate_gateway.archive.purging import Purge
from flawgate_gateway.archive.retention import Retention
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import evidence, inspections
from flawgate_gateway.frames import Frame, RawLayout
from flawgate_gateway.ports import DrawingFacts, Evidence
from flawgate_gateway.records.rows import row_of
from flawgate_imaging.geometry import Geometry
from support.pictures import spot_png
from support.records import inspection

FACTS = DrawingFacts("spot", "cascade", ("spot",), 0.5, areas_decide=False)
ALL_KEPT = Retention(ok_one_in=1, ok_days=30, not_ok_days=365, not_decidable_days=365)
ROOMY = 2**40
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""Whatever was decided then has been kept for long enough."""


class CountedPictures:
    """A `PictureObserver` that keeps what it is told."""

    def __init__(self) -> None:
        self.kept_bytes = 0
        self.kept_of: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.purges: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.levels: list[int] = []
        self.ended = 0

    def kept(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""
        self.kept_of[evaluation] += 1
        self.kept_bytes += stored_bytes

    def skipped(self, cause: Skipped) -> None:
        """See `PictureObserver`."""
        self.skips[cause] += 1

    def purged(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""
        self.purges[evaluation] += 1

    def failed(self, operation: Operation) -> None:
        """See `PictureObserver`."""
        self.failures[operation] += 1

    def level(self, held_bytes: int, max_bytes: int) -> None:
        """See `PictureObserver`."""
        self.levels.append(held_bytes)

    def purge_ended(self) -> None:
        """See `PictureObserver`."""
        self.ended += 1


class Pictures:
    """A database and an archive, as a gateway has them."""

    def __init__(self, database: Database, store: BlobStore, *, retention: Retention = ALL_KEPT) -> None:
        self.database = database
        self.store = store
        self.observer = CountedPictures()
        self.blobs = Blobs(store, workers=4, timeout_s=20)
        self.budget = Budget(max_bytes=ROOMY, observer=self.observer)
        self.archive = PictureArchive(self.blobs, retention, self.budget, self.observer)

    def purge(self, **changes: Any) -> Purge:
        """A purge of it; without a grace, unless told otherwise."""
        terms = {"max_bytes": ROOMY, "grace_s": 0.0, **changes}
        return Purge(self.database, self.blobs, self.observer, **terms)

    async def keep(self, frame: bytes | None = None, **changes: Any) -> Inspection:
        """An inspection on record with its pictures; `changes` are fields of it, long ago unless told otherwise."""
        seen = evidence_of(frame)
        changes.setdefault("decided_at", LONG_AGO)
        kept = inspection(frame=FrameFacts(width=24, height=32, sha256=sha256_of(seen.frame.data)), **changes)
        await self.record(kept, await self.archive.put(kept, seen))
        return kept

    async def record(self, kept: Inspection, archived: Archived | None) -> None:
        """Write a record."""
        async with self.database.writing() as connection:
            await connection.execute(insert(inspections).values(**row_of(kept)))
            if archived is not None:
                row = {**archived.columns(), "inspection_id": kept.inspection_id}
                await connection.execute(insert(evidence).values(**row))

    async def archived(self, kept: Inspection) -> Archived | None:
        """What is on record of its pictures; None: they were purged."""
        query = select(evidence).where(
            evidence.c.inspection_id == kept.inspection_id, evidence.c.purged_at_us.is_(None)
        )
        async with self.database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else Archived.of(dict(row))

    async def are_kept(self, *inspected: Inspection) -> list[bool]:
        """Of each whether its pictures are on record; those that are must be whole."""
        told = []
        for each in inspected:
            archived = await self.archived(each)
            told.append(archived is not None)
            if archived is not None:
                await self.archive.get(archived)
        return told


def evidence_of(
    frame: bytes | None = None,
    *,
    mask: NDArray[np.uint8] | None = None,
    layout: RawLayout | None = None,
    explanation: NDArray[np.uint8] | None = None,
) -> Evidence:
    """Of a frame of the recipe `spot`, with a mask that no other frame has, unless told otherwise."""
    data = spot_png(255) if frame is None else frame
    if mask is None:
        mask = np.frombuffer(bytes.fromhex(sha256_of(data))[:12], np.uint8).reshape(1, 4, 3)
    return Evidence(Frame(data, layout), FACTS, mask, Geometry.identity(24, 32), explanation)


def files_below(folder: Path, part: str) -> list[str]:
    """Names of the files below a part of an archive in a folder."""
    return sorted(path.name for path in (folder / part).rglob("*") if path.is_file())


def days_ago(days: float) -> datetime:
    """So many days before now, UTC."""
    return datetime.now(UTC) - timedelta(days=days)


async def always() -> bool:
    """Go on, whatever comes."""
    return True
