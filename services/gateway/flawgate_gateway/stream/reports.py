"""What is on record of streams: found again, counted, and compared with their numbers."""

import struct
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, desc, func, literal, select, tuple_

from flawgate_contracts.errors import UnknownStream
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, to_us
from flawgate_gateway.database.tables import camera_streams, gaps, inspections
from flawgate_gateway.records.captures import PLACE, holes
from flawgate_gateway.records.tokens import opened, sealed
from flawgate_gateway.stream.book import gap_of
from flawgate_gateway.stream.documents import (
    GapPage,
    GapQuery,
    PlaceQuery,
    StreamFacts,
    StreamPage,
    StreamQuery,
    StreamSummary,
)

MAX_MISSING = 100
"""Ranges of missing numbers that are told."""

_LAYOUT = struct.Struct(">q16s")


async def list_streams(database: Database, query: StreamQuery) -> StreamPage:
    """Streams, the newest first.

    Raises:
        InvalidParameter: the page token is not of this query.
        RecordsUnavailable: the database does not answer.
    """
    place = (camera_streams.c.opened_at_us, camera_streams.c.stream_id)
    rows, token = await _page(database, camera_streams, place, query, [])
    return StreamPage(streams=tuple(StreamSummary(**_summary(row)) for row in rows), next_page_token=token)


async def list_gaps(database: Database, query: GapQuery) -> GapPage:
    """Gaps, the newest first.

    Raises:
        InvalidParameter: the page token is not of this query.
        RecordsUnavailable: the database does not answer.
    """
    conditions: list[ColumnElement[bool]] = []
    if query.stream_id is not None:
        conditions.append(gaps.c.stream_id == str(query.stream_id))
    if query.from_ is not None:
        conditions.append(gaps.c.received_at_us >= to_us(query.from_))
    if query.to is not None:
        conditions.append(gaps.c.received_at_us < to_us(query.to))
    rows, token = await _page(database, gaps, (gaps.c.received_at_us, gaps.c.id), query, conditions)
    return GapPage(gaps=tuple(gap_of(row) for row in rows), next_page_token=token)


async def read_stream(database: Database, stream_id: str) -> StreamFacts:
    """A stream with its counts.

    Raises:
        UnknownStream: nothing is on record of a stream of that id.
        RecordsUnavailable: the database does not answer.
    """
    wanted = _uuid(stream_id)
    facts = await database.read(lambda connection: _facts(connection, wanted))
    if facts is None:
        raise _unknown(stream_id)
    return facts


def _facts(connection: Connection, stream_id: str) -> StreamFacts | None:
    query = select(camera_streams).where(camera_streams.c.stream_id == stream_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    highest: int = row["highest"]
    # Not beyond it: what PostgreSQL takes in between two statements must not stand in for a number that is missing.
    counted = select(func.count()).where(inspections.c.stream_id == stream_id, inspections.c.sequence <= highest)
    by_cause = (
        select(gaps.c.cause, func.sum(gaps.c.frames))
        .where(gaps.c.stream_id == stream_id, gaps.c.last <= highest)
        .group_by(gaps.c.cause)
    )
    inspected: int = connection.execute(counted).scalar_one()
    dropped = {cause: int(frames) for cause, frames in connection.execute(by_cause)}
    # Looking for what is missing reads all numbers; counting does so faster, and mostly finds that nothing is.
    is_whole = inspected + sum(dropped.values()) == highest
    missing = [] if is_whole else holes(connection, stream_id, 1, highest, limit=MAX_MISSING)
    return StreamFacts(**_summary(row), inspections=inspected, dropped=dropped, missing=missing)


async def _page(
    database: Database,
    table: Table,
    place: tuple[Column[Any], Column[Any]],
    query: PlaceQuery,
    conditions: list[ColumnElement[bool]],
) -> tuple[list[Mapping[Any, Any]], str | None]:
    """The rows of a page, the newest first, and the token of the next one."""
    asked = f"{table.name}{query.model_dump_json(exclude={'page_size', 'page_token'})}"
    statement = select(table).where(*conditions, *_placed(table, query), *_after(place, query, asked))
    ordered: Select[Any] = statement.order_by(*map(desc, place)).limit(query.page_size + 1)
    rows = await database.read(lambda connection: list(connection.execute(ordered).mappings()))
    shown = rows[: query.page_size]
    if len(rows) == len(shown):
        return list(shown), None
    at, identity = (shown[-1][column.name] for column in place)
    return list(shown), sealed(_LAYOUT.pack(at, UUID(identity).bytes), asked)


def _placed(table: Table, query: PlaceQuery) -> list[ColumnElement[bool]]:
    said = {name: getattr(query, name) for name in ("station", "camera")}
    return [table.c[name] == value for name, value in said.items() if value is not None]


def _after(place: tuple[Column[Any], Column[Any]], query: PlaceQuery, asked: str) -> list[ColumnElement[bool]]:
    if query.page_token is None:
        return []
    at, identity = _LAYOUT.unpack(opened(query.page_token, asked, length=_LAYOUT.size))
    seen = tuple_(literal(at, place[0].type), literal(str(UUID(bytes=identity)), place[1].type))
    return [tuple_(*place) < seen]


def _summary(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("stream_id", *PLACE, "recipe", "delivery")},
        "opened_at": from_us(row["opened_at_us"]),
        "seen_at": from_us(row["seen_at_us"]),
        "frames": row["highest"],
    }


def _uuid(stream_id: str) -> str:
    try:
        return str(UUID(stream_id))
    except ValueError as err:
        raise _unknown(stream_id) from err


def _unknown(stream_id: str) -> UnknownStream:
    return UnknownStream(
        f"Nothing is on record of a stream {stream_id[:64]!r}; `GET /v1/streams` lists those that there are.",
        {"stream_id": stream_id[:64]},
    )
