"""The queue: what nobody has looked at yet, and somebody should. NOT_DECIDABLE, or a score near its threshold."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Float, RowMapping, Select, exists, func, literal, select, tuple_

from flawgate_contracts.recipe import Name
from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import NEAR_MARGIN, NEAR_ONLY, NOT_OK_ONLY, inspections, reviews
from flawgate_gateway.frames import PlantId
from flawgate_gateway.records.queries import read_documents, unindexed
from flawgate_gateway.records.rows import selected
from flawgate_gateway.reviews.places import Place, from_token, to_token

DEFAULT_BAND = 0.05
_ROUNDING = 1e-9
"""A margin is the difference of two floats: 0.95 − 0.9 is not quite 0.05."""
_NO_SCORE = 1.0
"""The distance of a frame that was never looked at: after all others."""
_BY_AREA = ("AREA_ABOVE_LIMIT", "AREA_BELOW_LIMIT", "AREAS_WITHIN_LIMITS")
"""Where areas decided, a score near its threshold means nothing."""


class QueueQuery(BaseModel):
    """Which inspections wait for a review; all that is given must be met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Name | None = Field(default=None, description="Name of the recipe.")
    station: PlantId | None = Field(default=None, description="Inspection station.")
    lot: PlantId | None = Field(default=None, description="Lot, or batch.")
    band: float = Field(
        default=DEFAULT_BAND,
        ge=0,
        lt=NEAR_MARGIN,
        allow_inf_nan=False,
        description="Besides those that are NOT_DECIDABLE: score no further than this from the threshold.",
    )
    order: Literal["oldest", "nearest"] = Field(
        default="oldest", description="Which come first: those decided first, or those nearest to their threshold."
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Inspections a page, at most.")
    page_token: str | None = Field(
        default=None,
        max_length=512,
        description="`next_page_token` of the page before; the rest of the query as there.",
    )

    def asked(self) -> str:
        """All but the place, as text."""
        return self.model_dump_json(exclude={"page_size", "page_token"})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some of the inspections that wait."""

    inspections: tuple[Inspection, ...]
    next_page_token: str | None
    """None: there are no more."""


async def read_queue(database: Database, query: QueueQuery) -> QueuePage:
    """One page of the queue.

    Raises:
        InvalidParameter: the page token is not of this query.
        RecordsUnavailable: the database does not answer.
    """
    after = None if query.page_token is None else from_token(query.page_token, query.asked())
    limit = query.page_size + 1
    async with database.reading() as connection:
        # Two small indexes, one for each reason to wait; no record is in both lists.
        statements = waiting(query, after, steered=database.is_sqlite)
        lists = [(await connection.execute(each.limit(limit))).mappings().all() for each in statements]
    rows = list(heapq.merge(*lists, key=_place))[:limit]
    shown = rows[: query.page_size]
    more = to_token(_place(shown[-1]), query.asked()) if len(rows) > len(shown) else None
    return QueuePage(await read_documents(shown), more)


def waiting(query: QueueQuery, after: Place | None, *, steered: bool) -> Iterator[Select[Any]]:
    """The statements of the NOT_DECIDABLE and of the near ones, each in the queue's order.

    Args:
        query: which.
        after: the last record that was seen.
        steered: see `queries.found`; all records of a station are many more than those that wait.
    """
    for reason in _reasons(query.band):
        yield _ordered(query, after, [*reason, *_conditions(query, steered=steered)])


def candidates(query: QueueQuery) -> Iterator[Select[str]]:
    """Ids of what the queue would hold if nobody had reviewed anything: the NOT_DECIDABLE, then the near ones.

    Args:
        query: its band alone counts.

    Returns:
        Statements, each with the latest first.
    """
    for reason in _reasons(query.band):
        latest_first = inspections.c.decided_at_us.desc(), inspections.c.id.desc()
        yield select(inspections.c.id).where(*reason).order_by(*latest_first)


def _reasons(band: float) -> Iterator[Sequence[ColumnElement[bool]]]:
    """What the NOT_DECIDABLE have in common, and what the near ones; no record is of both."""
    columns, furthest = inspections.c, band + _ROUNDING
    undecided = columns.evaluation == "NOT_DECIDABLE"
    near = (columns.margin >= -furthest) & (columns.margin <= furthest)
    yield NOT_OK_ONLY, undecided
    yield NEAR_ONLY, near, ~undecided, columns.reason.not_in(_BY_AREA)


def _ordered(query: QueueQuery, after: Place | None, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    columns = inspections.c
    distance = func.coalesce(func.abs(columns.margin), _NO_SCORE, type_=Float())
    # In the order of time the distance has no part, lest it keep the index of time from use.
    first = 0 if query.order == "nearest" else 1
    place = (distance, columns.decided_at_us, columns.id)[first:]
    told = distance if query.order == "nearest" else literal(0.0, Float())
    found = selected().add_columns(told.label("distance")).where(*conditions)
    if after is not None:
        seen = (literal(value, column.type) for value, column in zip(after[first:], place, strict=True))
        found = found.where(tuple_(*place) > tuple_(*seen))
    return found.order_by(*place)


def _conditions(query: QueueQuery, *, steered: bool) -> Iterator[ColumnElement[bool]]:
    for name in ("recipe", "station", "lot"):
        column, value = inspections.c[name], getattr(query, name)
        if value is not None:
            yield (unindexed(column) if steered and name != "lot" else column) == value
    yield ~exists().where(reviews.c.inspection_id == inspections.c.id)


def _place(row: RowMapping) -> Place:
    return Place(row["distance"], row["decided_at_us"], row["id"])
