"""Frames of cameras' streams on record: each number once, as an inspection or within a gap.

Whatever is written of a stream writes the stream's own row first. In PostgreSQL that row is locked until the end of the
transaction, and SQLite has one writer anyway: two that would settle one number come one after the other, and the second
finds what the first wrote.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, exists, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import camera_streams, gaps, inspections
from flawgate_gateway.frames import CameraStream

PLACE = ("plant", "line", "station", "camera")


class AlreadySettledError(Exception):
    """The number is on record, as an inspection or within a gap; nothing was written."""


def _later(first: sqlite.Insert | postgresql.Insert, name: str) -> ColumnElement[int]:
    said, stands = first.excluded[name], camera_streams.c[name]
    return case((said > stands, said), else_=stands)


def _enter(first: sqlite.Insert | postgresql.Insert) -> ReturningInsert[Any]:
    entered = first.on_conflict_do_update(
        index_elements=[camera_streams.c.stream_id],
        set_={
            **{name: first.excluded[name] for name in (*PLACE, "caller", "recipe", "delivery", "seen_at_us")},
            "highest": _later(first, "highest"),
            "dropped_through": _later(first, "dropped_through"),
        },
    )
    return entered.returning(camera_streams.c.dropped_through)


# Built once: SQLAlchemy takes longer to build and look up a statement than SQLite takes to carry it out.
_ENTER_SQLITE, _ENTER_POSTGRESQL = _enter(sqlite.insert(camera_streams)), _enter(postgresql.insert(camera_streams))
_INSERT_SQLITE = sqlite.insert(inspections).on_conflict_do_nothing()
_INSERT_POSTGRESQL = postgresql.insert(inspections).on_conflict_do_nothing()
_OF: BindParameter[str] = bindparam("of")
_NUMBER: BindParameter[int] = bindparam("number")
_IN_GAP = select(exists().where(gaps.c.stream_id == _OF, gaps.c.first <= _NUMBER, gaps.c.last >= _NUMBER))
_INSPECTED = select(exists().where(inspections.c.stream_id == _OF, inspections.c.sequence == _NUMBER))


def enter(connection: Connection, stream: CameraStream, *, highest: int, dropped_through: int = 0) -> int:
    """Write the row of a stream, and keep it until the end of the transaction.

    Args:
        connection: of the transaction.
        stream: as its camera's side says it now.
        highest: number that the transaction is about to settle, the last one where it is several.
        dropped_through: the same, where it settles them by a gap; else 0.

    Returns:
        The highest number within a gap; 0 where there is none.
    """
    now = now_us()
    row = {
        **{name: getattr(stream.identity, name) for name in PLACE},
        "stream_id": stream.stream_id,
        "caller": stream.caller,
        "recipe": stream.recipe,
        "delivery": stream.delivery,
        "highest": highest,
        "dropped_through": dropped_through,
        "opened_at_us": now,
        "seen_at_us": now,
    }
    statement = _ENTER_SQLITE if connection.dialect.name == "sqlite" else _ENTER_POSTGRESQL
    through: int = connection.execute(statement, row).scalar_one()
    return through


def insert(connection: Connection, stream: CameraStream, row: Mapping[str, Any]) -> None:
    """Write the inspection of a frame of a stream.

    Args:
        connection: of the transaction, which must not be committed where this raises.
        stream: whose frame it is.
        row: of the inspection, with `stream_id` and `sequence`.

    Raises:
        AlreadySettledError: its number is on record.
        InvalidParameter: its id is on record under another number.
    """
    number = {"of": row["stream_id"], "number": row["sequence"]}
    dropped_through = enter(connection, stream, highest=row["sequence"])
    if row["sequence"] <= dropped_through and connection.scalar(_IN_GAP, number):
        raise AlreadySettledError
    insert_new = _INSERT_SQLITE if connection.dialect.name == "sqlite" else _INSERT_POSTGRESQL
    if connection.execute(insert_new, row).rowcount == 1:
        return
    if connection.scalar(_INSPECTED, number):
        raise AlreadySettledError
    raise InvalidParameter(
        f"The inspection {row['id']} is on record under another number; give each one an id of its own.",
        {"field": "decided.inspection_id"},
    )


def _covered(first: int, last: int) -> Any:
    """The numbers of a stream (parameter `of`) that are on record, as ranges within bounds, with both neighbours."""
    numbers = inspections.c.sequence
    inspected = select(numbers.label("first"), numbers.label("last")).where(
        inspections.c.stream_id == _OF, numbers.between(first, last)
    )
    dropped = select(case((gaps.c.first < first, first), else_=gaps.c.first), gaps.c.last).where(
        gaps.c.stream_id == _OF, gaps.c.first <= last, gaps.c.last >= first
    )
    before, after = (select(literal(edge), literal(edge)) for edge in (first - 1, last + 1))
    return inspected.union_all(dropped, before, after).subquery()


def holes(
    connection: Connection, stream_id: str, first: int, last: int, *, limit: int | None = None
) -> list[tuple[int, int]]:
    """The numbers of a stream between bounds that are not on record, as ranges, the lowest first."""
    known = _covered(first, last)
    following = func.lead(known.c.first).over(order_by=known.c.first).label("following")
    ranges = select(known.c.last, following).subquery()
    found = (
        select(ranges.c.last + 1, ranges.c.following - 1)
        .where(ranges.c.following > ranges.c.last + 1)
        .order_by(ranges.c.last)
        .limit(limit)
    )
    return [(int(low), int(high)) for low, high in connection.execute(found, {"of": stream_id})]
