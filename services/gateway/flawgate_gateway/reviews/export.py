"""Reviewed frames as a data set: a tar archive that, unpacked, `flawgate train` reads.

Layout, as flawgate_training.datasets.image_folder wants it::

    good/<part>/<inspection>.png        reviewed OK
    defective/<part>/<inspection>.png   reviewed NOT_OK
    manifest.csv                        every inspection that was reviewed, also those without a picture here
    export.json                         what was asked for, how many there are, whether there are more

Frames of one part lie in one folder, so that training never learns from a part that it is tested on; frames without a
part lie in their class's. The last two files come last: an archive without them was cut off.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import Field
from sqlalchemy import RowMapping

from flawgate_contracts.errors import InvalidRequest, PictureNotKept
from flawgate_contracts.recipe import Name
from flawgate_gateway.answer import Inspection
from flawgate_gateway.csv_cells import line
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import to_us
from flawgate_gateway.database.tables import inspections, reviews
from flawgate_gateway.ports import Archive
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.cursors import Position
from flawgate_gateway.records.filters import InspectionFilter
from flawgate_gateway.records.queries import found
from flawgate_gateway.records.rows import inspection_of
from flawgate_gateway.reviews import manifest, tars
from flawgate_gateway.reviews.book import review_of
from flawgate_gateway.reviews.documents import Review
from flawgate_gateway.reviews.frames import as_file, part_folder
from flawgate_gateway.reviews.latest import latest
from flawgate_gateway.reviews.manifest import Status

MAX_ITEMS = 10_000
BATCH = 200
"""Records that are read at once."""
SUMMARY = "export.json"
FOLDERS = {"OK": "good", "NOT_OK": "defective"}
"""Of the class that a review says; a NOT_DECIDABLE frame has none to learn."""


_LATEST = reviews.alias("latest")


class ExportQuery(InspectionFilter):
    """Which reviewed inspections are exported: of one recipe, the latest first; all else that is given must be met."""

    recipe: Name = Field(description="Name of the recipe.")
    max_items: int = Field(default=MAX_ITEMS, ge=1, le=MAX_ITEMS, description="Reviewed inspections, at most.")

    def records(self) -> InspectionFilter:
        """The part that says which records."""
        given = self.model_dump(include=set(InspectionFilter.model_fields))
        return InspectionFilter.model_validate({**given, "reviewed": True})


class Item(NamedTuple):
    """A reviewed inspection."""

    inspection: Inspection
    review: Review


@dataclass
class _Written:
    """What an export has come to so far."""

    lines: list[bytes] = field(default_factory=lambda: [line(*manifest.COLUMNS)])
    counts: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    pictures: set[str] = field(default_factory=set)
    """SHA-256 of the frames."""
    truncated: bool = False

    def note(self, item: Item, status: Status, file: str | None = None) -> None:
        """Keep the line of an inspection."""
        self.lines.append(manifest.line_of(item.inspection, item.review, status, file))
        self.counts[status] += 1


class ReviewExport:
    """Exports reviewed frames; few pictures are read at once, however many exports run, so that inspections go on."""

    def __init__(self, database: Database, records: RecordBook, archive: Archive) -> None:
        self._database = database
        self._records = records
        self._archive = archive
        self._turn = asyncio.Semaphore(2)

    async def chunks(self, query: ExportQuery) -> AsyncGenerator[bytes, None]:
        """The archive, a file at a time.

        Raises:
            RecordsUnavailable: the database does not answer; what has come so far is then not the whole archive.
            ArchiveUnavailable: nor does the archive of pictures; likewise.
        """
        written = _Written()
        async for item in self._items(query, written):
            async with self._turn:
                file = await self._file(item, written)
            if file is not None:
                yield file
        now_s = int(datetime.now(UTC).timestamp())
        yield tars.entry(manifest.NAME, b"".join(written.lines), now_s)
        yield tars.entry(SUMMARY, _summary(query, written), now_s) + tars.END

    async def _items(self, query: ExportQuery, written: _Written) -> AsyncIterator[Item]:
        count, after = 0, None
        while rows := await self._batch(query, after):
            for row in rows:
                if count == query.max_items:
                    written.truncated = True
                    return
                count += 1
                yield Item(inspection_of(dict(row)), review_of(_review(row)))
            after = Position(rows[-1]["decided_at_us"], rows[-1]["id"])

    async def _batch(self, query: ExportQuery, after: Position | None) -> Sequence[RowMapping]:
        told = [column.label(f"review_{column.name}") for column in _LATEST.c]
        statement = found(query.records(), "newest", after, steered=self._database.is_sqlite).add_columns(*told)
        joined = (_LATEST.c.inspection_id == inspections.c.id) & (_LATEST.c.id == latest(reviews.c.id))
        async with self._turn, self._database.reading() as connection:
            return (await connection.execute(statement.where(joined).limit(BATCH))).mappings().all()

    async def _file(self, item: Item, written: _Written) -> bytes | None:
        """The picture as it stands in the archive; None where there is none, which is noted."""
        inspection, folder = item.inspection, FOLDERS.get(item.review.evaluation)
        if folder is None or inspection.frame.sha256 in written.pictures:
            written.note(item, "NOT_DECIDABLE" if folder is None else "SAME_PICTURE")
            return None
        try:
            data, ending = await self._picture(inspection.inspection_id)
        except (PictureNotKept, InvalidRequest) as err:
            written.note(item, "PICTURE_NOT_KEPT" if isinstance(err, PictureNotKept) else "NO_PICTURE")
            return None
        part = "" if inspection.part is None else f"{part_folder(inspection.part)}/"
        name = f"{folder}/{part}{inspection.inspection_id}{ending}"
        written.pictures.add(inspection.frame.sha256)
        written.files[folder] += 1
        written.note(item, "EXPORTED", name)
        return tars.entry(name, data, to_us(item.review.reviewed_at) // 1_000_000)

    async def _picture(self, inspection_id: str) -> tuple[bytes, str]:
        archived = await self._records.archived(inspection_id)
        if archived is None:
            raise PictureNotKept(f"No picture of inspection {inspection_id} is kept.")
        frame = await self._archive.get_frame(archived)
        return await asyncio.to_thread(as_file, frame)


def _review(row: RowMapping) -> dict[str, object]:
    return {column.name: row[f"review_{column.name}"] for column in _LATEST.c}


def _summary(query: ExportQuery, written: _Written) -> bytes:
    said = {
        "query": query.model_dump(mode="json", exclude_defaults=True),
        "files": dict(sorted(written.files.items())),
        "inspections": dict(sorted(written.counts.items())),
        "truncated": written.truncated,
    }
    return json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n"
