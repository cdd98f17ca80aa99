"""How many parts wait for a review."""

from collections.abc import Iterator

from sqlalchemy import Select, exists, func, select

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import reviews
from flawgate_gateway.reviews.queue import QueueQuery, candidates

LATEST = 5_000
"""Of each reason to wait, so many of the latest parts are looked at: a count must not take longer with every year."""


async def count_waiting(database: Database, *, latest: int = LATEST) -> int:
    """Parts that the queue shows unless told otherwise, among the latest that have a reason to be in it.

    Args:
        database: of the records.
        latest: so many of each reason are looked at.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    async with database.reading() as connection:
        return sum([(await connection.execute(each)).scalar_one() for each in counts(latest)])


def counts(latest: int) -> Iterator[Select[int]]:
    """The statements that count, one of each reason to wait; each looks up the reviews of so many parts alone."""
    for statement in candidates(QueueQuery()):
        ids = statement.limit(latest).subquery()
        # An anti-join: PostgreSQL reads all reviews there are for a NOT IN.
        is_seen = exists().where(reviews.c.inspection_id == ids.c.id)
        yield select(func.count()).select_from(ids).where(~is_seen)
