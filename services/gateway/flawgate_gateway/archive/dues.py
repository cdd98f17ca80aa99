"""What the records claim to be in the archive: which pictures may go, and which blobs nobody names any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, column, exists, func, or_, select, update, values
from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_gateway.archive.holds import is_held, lock_purging
from flawgate_gateway.archive.retention import OK
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import evidence, inspections

DIGESTS = (evidence.c.frame_sha256, evidence.c.mask_sha256, evidence.c.explanation_sha256)
"""The columns that name blobs."""

KEPT = evidence.c.purged_at_us.is_(None)
EMPTYING = and_(evidence.c.purged_at_us.is_not(None), evidence.c.frame_sha256.is_not(None))
"""Marked as purged, but the blobs may still be there."""

JOINED = evidence.join(inspections, inspections.c.id == evidence.c.inspection_id)


@dataclass(frozen=True, slots=True)
class Due:
    """The pictures of one inspection."""

    inspection_id: str
    evaluation: str
    digests: tuple[str, ...]
    stored_bytes: int


def expired(now: int) -> ColumnElement[bool]:
    """Those whose time is over. `now`: in microseconds since 1970."""
    return and_(KEPT, evidence.c.keep_until_us <= now)


def spare() -> ColumnElement[bool]:
    """Those that go where the archive is full."""
    return and_(KEPT, evidence.c.evaluation == OK)


async def mark_expired(database: Database, limit: int) -> list[Due]:
    """Mark some pictures whose time is over, and that nobody holds, as purged; their blobs are there yet.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    return await _mark(database, _dues(and_(expired(now_us()), ~is_held()), evidence.c.keep_until_us).limit(limit))


async def mark_spare(database: Database, limit: int, at_least_bytes: int) -> list[Due]:
    """Mark the oldest pictures of good parts, that nobody holds, as purged: some, but no more than must go.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    return await _mark(database, _dues(and_(spare(), ~is_held())).limit(limit), at_least_bytes)


async def _mark(database: Database, query: Select[Any], at_least_bytes: int | None = None) -> list[Due]:
    async with database.writing() as connection:
        await lock_purging(database, connection)
        found = _enough(await _found(connection, query), at_least_bytes)
        mine = evidence.c.inspection_id.in_([due.inspection_id for due in found])
        await connection.execute(update(evidence).where(mine).values(purged_at_us=now_us()))
    return found


def _enough(dues: list[Due], at_least_bytes: int | None) -> list[Due]:
    """The first of them that make up so many bytes; all where None."""
    if at_least_bytes is None:
        return dues
    before = [0, *accumulate(due.stored_bytes for due in dues)]
    return [due for due, gone in zip(dues, before, strict=False) if gone < at_least_bytes]


async def unfinished(database: Database, limit: int) -> list[Due]:
    """Some that were marked as purged by whoever did not come to emptying them.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    async with database.reading() as connection:
        return await _found(connection, _dues(EMPTYING).limit(limit))


async def forget(database: Database, dues: Sequence[Due]) -> None:
    """Take away the digests of blobs that are gone.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    mine = evidence.c.inspection_id.in_([due.inspection_id for due in dues])
    async with database.writing() as connection:
        await connection.execute(
            update(evidence).where(mine, EMPTYING).values({digest.name: None for digest in DIGESTS})
        )


async def named(database: Database, digests: Iterable[str]) -> set[str]:
    """Those of some digests that pictures which are kept name.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    rows = [(digest,) for digest in sorted(set(digests))]
    if not rows:
        return set()
    asked = values(column("digest", String), name="asked").data(rows).cte()
    # One look at an index a digest, however many name it: blank masks are all alike.
    is_named = or_(*(exists().where(named_by == asked.c.digest, KEPT) for named_by in DIGESTS))
    async with database.reading() as connection:
        return set((await connection.execute(select(asked.c.digest).where(is_named))).scalars())


async def kept_after(database: Database, inspection_id: str | None, limit: int) -> list[Due]:
    """Some of all that are kept, by id, after one.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    later = KEPT if inspection_id is None else and_(KEPT, evidence.c.inspection_id > inspection_id)
    async with database.reading() as connection:
        return await _found(connection, _dues(later).limit(limit))


async def count(database: Database, which: ColumnElement[bool]) -> dict[str, tuple[int, int]]:
    """Evaluation → how many are there, and their bytes.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    columns = evidence.c.evaluation, func.count(), func.coalesce(func.sum(evidence.c.stored_bytes), 0)
    query = select(*columns).select_from(JOINED).where(which).group_by(evidence.c.evaluation)
    async with database.reading() as connection:
        return {name: (int(pictures), int(size)) for name, pictures, size in await connection.execute(query)}


def _dues(which: ColumnElement[bool], *order: ColumnElement[Any]) -> Select[Any]:
    """By age, unless told otherwise: a UUIDv7 begins with the time."""
    columns = (evidence.c.inspection_id, evidence.c.evaluation, evidence.c.stored_bytes, *DIGESTS)
    return select(*columns).select_from(JOINED).where(which).order_by(*order, evidence.c.inspection_id)


async def _found(connection: AsyncConnection, query: Select[Any]) -> list[Due]:
    return [
        Due(row.inspection_id, row.evaluation, tuple(digest for digest in row[3:] if digest is not None), row[2])
        for row in await connection.execute(query)
    ]
