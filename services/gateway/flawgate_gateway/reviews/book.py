"""The reviews of inspections: only ever added to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from uuid_utils import uuid7

from flawgate_gateway.access.caller import Caller
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, now_us
from flawgate_gateway.database.tables import reviews
from flawgate_gateway.outbox.drafts import reviewed
from flawgate_gateway.outbox.writing import append
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.reviews.documents import Review, ReviewDraft

MAX_LISTED = 1_000
"""Reviews of one inspection that are told, the latest; nobody writes so many by hand."""


class ReviewBook:
    """Writes reviews, each with its event in one transaction, and reads them."""

    def __init__(self, database: Database, records: RecordBook, *, sinks: Sequence[str]) -> None:
        """A book over a database.

        Args:
            database: with all tables.
            records: of the inspections that are reviewed.
            sinks: names of those to whom events are delivered.
        """
        self._database = database
        self._records = records
        self._sinks = sinks

    async def add(self, inspection_id: str, draft: ReviewDraft, caller: Caller) -> Review:
        """Write a review.

        Raises:
            UnknownInspection: there is none of that id.
            RecordsUnavailable: the database does not answer; nothing is written.
        """
        inspection = await self._records.get(inspection_id)
        row = {
            "id": str(uuid7()),
            "inspection_id": inspection.inspection_id,
            "evaluation": draft.evaluation,
            "reviewer": draft.reviewer or caller.name,
            "comment": draft.comment,
            "reviewed_at_us": now_us(),
        }
        review = review_of(row)
        event = reviewed(inspection, review)

        def write(connection: Connection) -> None:
            connection.execute(insert(reviews), {**row, "caller": caller.id})
            append(connection, event, self._sinks)

        await self._database.write(write)
        return review

    async def of(self, inspection_id: str) -> tuple[Review, ...]:
        """The reviews of an inspection, the oldest first.

        Raises:
            UnknownInspection: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        inspection = await self._records.get(inspection_id)
        query = select(reviews).where(reviews.c.inspection_id == inspection.inspection_id)
        latest_first = query.order_by(reviews.c.reviewed_at_us.desc(), reviews.c.id.desc()).limit(MAX_LISTED)
        async with self._database.reading() as connection:
            rows = (await connection.execute(latest_first)).all()
        return tuple(review_of(row._asdict()) for row in reversed(rows))


def review_of(row: Mapping[str, Any]) -> Review:
    """A row of the table `reviews` as it is told."""
    told = {name: row[name] for name in ("id", "inspection_id", "evaluation", "reviewer", "comment")}
    return Review(**told, reviewed_at=from_us(row["reviewed_at_us"]))
