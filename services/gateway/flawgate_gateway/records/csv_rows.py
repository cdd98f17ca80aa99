"""Inspections as CSV (RFC 4180, UTF-8): one line each, in batches, so that a million takes no more memory than one.

The lines run from the oldest to the newest. What was recorded before the export began is in it exactly once; of what is
recorded while it runs, nothing that was decided later than all of that. No transaction stays open between two batches:
a slow reader holds nothing up.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from flawgate_gateway.answer import Inspection
from flawgate_gateway.csv_cells import guarded, line, utc
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us
from flawgate_gateway.records.filters import InspectionFilter
from flawgate_gateway.records.queries import Row, position_of, read_rows
from flawgate_gateway.records.rows import PLACE, inspection_of

BATCH = 500
"""Lines that are read, and written, at once."""

COLUMNS = (
    "inspection_id",
    "decided_at",
    "evaluation",
    "reason",
    "score",
    "threshold",
    "margin",
    "recipe",
    "recipe_version",
    "policy_version",
    *PLACE,
    "class",
    "defects",
    "largest_defect_px",
    "acquired_at",
    "received_at",
    "frame_width",
    "frame_height",
    "frame_sha256",
    "service_version",
    "request_id",
    "trace_id",
    "variant",
)
"""Of every export, in this order; new ones are only ever added at the end."""


class CsvExport:
    """Exports inspections; few batches are read at once, however many exports run, so that inspections go on."""

    def __init__(self, database: Database, *, batches_at_once: int = 2) -> None:
        self._database = database
        self._turn = asyncio.Semaphore(batches_at_once)

    async def chunks(self, wanted: InspectionFilter) -> AsyncGenerator[bytes, None]:
        """The file, a piece at a time; the first piece has the header.

        Args:
            wanted: which inspections.

        Raises:
            RecordsUnavailable: the database does not answer; what has come so far is then not the whole file.
        """
        bounded = await self._until_now(wanted)
        rows = await self._batch(bounded, [])
        yield line(*COLUMNS) + await asyncio.to_thread(_lines, rows)
        while len(rows) == BATCH:
            rows = await self._batch(bounded, rows)
            yield await asyncio.to_thread(_lines, rows)

    async def _until_now(self, wanted: InspectionFilter) -> InspectionFilter:
        """The same filter, up to the newest record that it finds now: the clocks of gateways may differ."""
        async with self._turn:
            newest = await read_rows(self._database, wanted, "newest", None, 1)
        if not newest:
            return wanted
        return wanted.model_copy(update={"decided_to": from_us(position_of(newest[0]).decided_at_us + 1)})

    async def _batch(self, wanted: InspectionFilter, before: Sequence[Row]) -> list[Row]:
        after = position_of(before[-1]) if before else None
        async with self._turn:
            return await read_rows(self._database, wanted, "oldest", after, BATCH)


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join(line(*_cells(inspection_of(row))) for row in rows)


def _cells(inspection: Inspection) -> Sequence[Any]:
    score = inspection.score
    return (
        inspection.inspection_id,
        utc(inspection.decided_at),
        inspection.evaluation,
        inspection.reason,
        score,
        inspection.threshold,
        None if score is None else round(score - inspection.threshold, 9),
        inspection.recipe,
        *(guarded(text) for text in (inspection.recipe_version, inspection.policy_version)),
        *(guarded(getattr(inspection, name)) for name in PLACE),
        guarded(inspection.class_name),
        len(inspection.defects),
        max((defect.area_px for defect in inspection.defects), default=None),
        utc(inspection.acquired_at),
        utc(inspection.received_at),
        inspection.frame.width,
        inspection.frame.height,
        inspection.frame.sha256,
        inspection.service_version,
        *(guarded(text) for text in (inspection.request_id, inspection.trace_id)),
        inspection.variant,
    )
