"""Finding inspections. Pages are cut by the place of their last record: the last page costs what the first does."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, exists, literal, true, tuple_
from sqlalchemy.sql.operators import custom_op

from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import to_us
from flawgate_gateway.database.tables import NEAR_MARGIN, NEAR_ONLY, NOT_OK_ONLY, inspections, reviews
from flawgate_gateway.records.cursors import Position, from_token, to_token
from flawgate_gateway.records.filters import InspectionFilter, Order, PageRequest
from flawgate_gateway.records.rows import inspection_of, selected

EQUAL = (
    "part",
    "lot",
    "work_order",
    "station",
    "recipe",
    "recipe_version",
    "policy_version",
    "plant",
    "line",
    "camera",
    "reason",
    "variant",
    "frame_sha256",
)
"""Columns that are asked for by their value, those that leave the fewest records first."""
_FEW = ("part", "lot", "work_order")
_INDEXED = (*_FEW, "station", "recipe")
_ROUNDING = 1e-9
"""A margin is the difference of two floats: 0.95 − 0.9 is not quite 0.05."""


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the inspections that a query finds."""

    inspections: tuple[Inspection, ...]
    next_page_token: str | None
    """None: there are no more."""


async def list_inspections(database: Database, wanted: InspectionFilter, page: PageRequest) -> Page:
    """One page of the inspections that a filter finds, ordered by `decided_at` and then by id.

    Args:
        database: where the records are.
        wanted: which.
        page: how many, from which end, and after which.

    Raises:
        InvalidParameter: the page token is not of this query.
        RecordsUnavailable: the database does not answer.
    """
    after = None if page.page_token is None else from_token(page.page_token, wanted, page.order)
    rows = await read_rows(database, wanted, page.order, after, page.page_size + 1)
    shown = rows[: page.page_size]
    more = len(rows) > len(shown)
    return Page(
        await read_documents(shown),
        to_token(position_of(shown[-1]), wanted, page.order) if more else None,
    )


async def read_documents(rows: Sequence[Mapping[str, Any]]) -> tuple[Inspection, ...]:
    """The inspections of rows, in a thread: a thousand with many defects take seconds, and inspections go on."""
    return await asyncio.to_thread(lambda: tuple(inspection_of(row) for row in rows))


async def read_rows(
    database: Database, wanted: InspectionFilter, order: Order, after: Position | None, limit: int
) -> list[Row]:
    """What `inspection_of` and `position_of` need, in order.

    Raises:
        RecordsUnavailable: the database does not answer.
    """
    statement = found(wanted, order, after, steered=database.is_sqlite).limit(limit)
    async with database.reading() as connection:
        return [dict(row) for row in (await connection.execute(statement)).mappings()]


def position_of(row: Row) -> Position:
    """Where a row of `read_rows` lies."""
    return Position(row["decided_at_us"], row["id"])


def found(wanted: InspectionFilter, order: Order, after: Position | None, *, steered: bool) -> Select[Any]:
    """The statement.

    Args:
        wanted: which records.
        order: which first.
        after: the last record that was seen.
        steered: keep all indexes but the best from use, for SQLite: it knows nothing of how many records a value has,
            and would as soon walk through all records of a station as through the few of a lot.
    """
    columns = inspections.c
    conditions = [*_conditions(wanted, steered=steered), *_after(order, after)]
    places = (columns.decided_at_us, columns.id)
    return (
        selected()
        .where(and_(true(), *conditions))
        .order_by(*(place.desc() if order == "newest" else place.asc() for place in places))
    )


def _conditions(wanted: InspectionFilter, *, steered: bool) -> Iterator[ColumnElement[bool]]:
    yield from _small_indexes(wanted)
    best = _best_index(wanted)
    for name in EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            column = inspections.c[name]
            yield (unindexed(column) if steered and name in _INDEXED and name != best else column) == value
    if wanted.evaluation:
        yield inspections.c.evaluation.in_(sorted(set(wanted.evaluation)))
    yield from _times(wanted)
    yield from _scores(wanted)
    if wanted.reviewed is not None:
        reviewed = exists().where(reviews.c.inspection_id == inspections.c.id)
        yield reviewed if wanted.reviewed else ~reviewed


def _best_index(wanted: InspectionFilter) -> str | None:
    """The column by whose index the records are found; None where it is the time alone, or a small index."""
    few = [name for name in _FEW if getattr(wanted, name) is not None]
    if few or any(True for _ in _small_indexes(wanted)):
        return few[0] if few else None
    return next((name for name in _INDEXED if getattr(wanted, name) is not None), None)


def _small_indexes(wanted: InspectionFilter) -> Iterator[ColumnElement[bool]]:
    """What follows from the filter anyway: said in the words of an index's own condition, so that it is used."""
    if wanted.evaluation and "OK" not in wanted.evaluation:
        yield NOT_OK_ONLY
    if wanted.max_margin is not None and wanted.max_margin + _ROUNDING < NEAR_MARGIN:
        yield NEAR_ONLY


def _times(wanted: InspectionFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.decided_from is not None:
        yield inspections.c.decided_at_us >= to_us(wanted.decided_from)
    if wanted.decided_to is not None:
        yield inspections.c.decided_at_us < to_us(wanted.decided_to)


def _scores(wanted: InspectionFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.max_margin is not None:
        furthest = wanted.max_margin + _ROUNDING
        yield inspections.c.margin >= -furthest
        yield inspections.c.margin <= furthest
    if wanted.min_score is not None:
        yield inspections.c.score >= wanted.min_score
    if wanted.max_score is not None:
        yield inspections.c.score <= wanted.max_score


def _after(order: Order, after: Position | None) -> Iterator[ColumnElement[bool]]:
    if after is not None:
        at, identity = inspections.c.decided_at_us, inspections.c.id
        place, seen = (
            tuple_(at, identity),
            tuple_(literal(after.decided_at_us, at.type), literal(after.id, identity.type)),
        )
        yield place < seen if order == "newest" else place > seen


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same value, by which SQLite finds nothing in an index (sqlite.org/optoverview.html, section 2)."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
