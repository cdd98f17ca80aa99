import json

import pytest
from sqlalchemy import select
from support.records import inspection, recorded

from flawgate_contracts.errors import UnknownInspection
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import events
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.reviews.book import ReviewBook
from flawgate_gateway.reviews.documents import ReviewDraft

CALLER = Caller("k1", "quality desk", frozenset({Scope.REVIEW}))


def books(database: Database) -> ReviewBook:
    """A book of reviews whose events go to one sink."""
    records = RecordBook(database, sinks=(), expires_s=60, written=lambda: None)
    return ReviewBook(database, records, sinks=("mes",))


async def test_reviews_are_added_and_the_inspection_stays_as_it_is(database: Database) -> None:
    """Who errs reviews again: all stay, the oldest first, each with who said it."""
    record = inspection(0)
    await recorded(database, [record])
    book = books(database)
    first = await book.add(record.inspection_id, ReviewDraft(evaluation="NOT_OK", comment="a scratch\nleft"), CALLER)
    second = await book.add(record.inspection_id, ReviewDraft(evaluation="OK", reviewer="Ana Kovač"), CALLER)
    assert (first, second) == await book.of(record.inspection_id)
    assert [review.reviewer for review in (first, second)] == ["quality desk", "Ana Kovač"]
    assert record == await books(database)._records.get(record.inspection_id)


async def test_a_review_is_told_in_the_transaction_that_writes_it(database: Database) -> None:
    """With what was decided beside what was said."""
    record = inspection(0)
    await recorded(database, [record])
    review = await books(database).add(record.inspection_id, ReviewDraft(evaluation="NOT_OK"), CALLER)
    async with database.reading() as connection:
        event = (await connection.execute(select(events))).mappings().one()
    data = json.loads(event["document"])["data"]
    assert (event["type"], event["inspection_id"]) == ("org.flawgate.inspection.reviewed.v1", record.inspection_id)
    assert (data["review_id"], data["evaluation"], data["inspected_evaluation"]) == (review.id, "NOT_OK", "OK")


@pytest.mark.parametrize("inspection_id", ["01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10", "x", "' OR 1=1 --", "\ud800"])
async def test_of_an_inspection_that_there_is_not_nothing_is_said(database: Database, inspection_id: str) -> None:
    """Neither written nor read."""
    with pytest.raises(UnknownInspection):
        await books(database).add(inspection_id, ReviewDraft(evaluation="OK"), CALLER)
    with pytest.raises(UnknownInspection):
        await books(database).of(inspection_id)
