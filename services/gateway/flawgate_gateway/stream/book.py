"""The book of streams: gaps are written, and what stands of a number is read."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select
from uuid_utils import uuid7

from flawgate_gateway.answer import Gap, Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, now_us, to_us
from flawgate_gateway.database.tables import camera_streams, gaps, inspections
from flawgate_gateway.frames import CameraStream
from flawgate_gateway.outbox import writing
from flawgate_gateway.outbox.drafts import gap_recorded
from flawgate_gateway.records import captures
from flawgate_gateway.records.captures import PLACE, holes
from flawgate_gateway.records.rows import inspection_of, selected
from flawgate_gateway.stream.messages import SentGap

MAX_DETAIL_CHARACTERS = 500

_OF: BindParameter[str] = bindparam("of")
_NUMBER: BindParameter[int] = bindparam("number")
_HIGHEST = select(camera_streams.c.highest).where(camera_streams.c.stream_id == _OF)
_INSPECTED = selected().where(inspections.c.stream_id == _OF, inspections.c.sequence == _NUMBER)
_PICTURE = select(inspections.c.frame_sha256).where(inspections.c.stream_id == _OF, inspections.c.sequence == _NUMBER)
_DROPPED = select(gaps).where(gaps.c.stream_id == _OF, gaps.c.first <= _NUMBER, gaps.c.last >= _NUMBER)
_GAP = insert(gaps)


class StreamBook:
    """Writes gaps, each with its event, and reads what is on record of a stream."""

    def __init__(self, database: Database, *, sinks: tuple[str, ...], written: Callable[[], None]) -> None:
        """A book over a database.

        Args:
            database: with all tables.
            sinks: names of those to whom gaps are told.
            written: called after each gap.
        """
        self._database = database
        self._sinks = sinks
        self._written = written

    async def highest(self, stream_id: str) -> int:
        """The highest number of a stream that is on record; 0 where none is.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        found = await self._database.read(lambda connection: connection.scalar(_HIGHEST, {"of": stream_id}))
        return found or 0

    async def picture(self, stream_id: str, sequence: int) -> str | None:
        """SHA-256 of the frame that is on record under a number, hexadecimal; None: no frame is.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        number = {"of": stream_id, "number": sequence}
        return await self._database.read(lambda connection: connection.scalar(_PICTURE, number))

    async def settled(self, stream_id: str, sequence: int) -> Inspection | Gap | None:
        """What is on record of a number: its inspection, or the gap that it lies in; None: nothing.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        number = {"of": stream_id, "number": sequence}

        def read(connection: Connection) -> Inspection | Gap | None:
            inspected = connection.execute(_INSPECTED, number).mappings().one_or_none()
            if inspected is not None:
                return inspection_of(dict(inspected))
            dropped = connection.execute(_DROPPED, number).mappings().one_or_none()
            return None if dropped is None else gap_of(dropped)

        return await self._database.read(read)

    async def drop(self, stream: CameraStream, gap: SentGap, detail: str | None = None) -> list[Gap]:
        """Record a gap: of its numbers, those that are not on record.

        Args:
            stream: whose numbers they are.
            gap: the numbers, and why.
            detail: what the gateway said of the frame; None where it never saw it.

        Returns:
            What was recorded: nothing where all of it was before, several gaps where some between were.

        Raises:
            RecordsUnavailable: the database does not answer; nothing is written.
            DiskFull: no space is left; nothing is written.
        """
        first, last = gap.first_sequence, gap.last_sequence

        def write(connection: Connection) -> list[Gap]:
            captures.enter(connection, stream, highest=last, dropped_through=last)
            free = holes(connection, stream.stream_id, first, last)
            rows = [_row(stream, gap, detail, *piece) for piece in free]
            if rows:
                connection.execute(_GAP, rows)
            recorded = [gap_of(row) for row in rows]
            for each in recorded if self._sinks else ():
                writing.append(connection, gap_recorded(each), self._sinks)
            return recorded

        recorded = await self._database.write(write)
        self._written()
        return recorded


def gap_of(row: Mapping[Any, Any]) -> Gap:
    """The gap of a row of its table."""
    moments = {name: from_us(row[f"{name}_us"]) for name in ("since", "until", "received_at")}
    copied = ("stream_id", *PLACE, "first", "last", "frames", "cause", "detail")
    return Gap.model_validate({**{name: row[name] for name in copied}, **moments, "gap_id": row["id"]})


def _row(stream: CameraStream, gap: SentGap, detail: str | None, first: int, last: int) -> dict[str, Any]:
    return {
        **{name: getattr(stream.identity, name) for name in PLACE},
        "id": str(uuid7()),
        "stream_id": stream.stream_id,
        "first": first,
        "last": last,
        "frames": last - first + 1,
        "cause": gap.cause,
        "since_us": to_us(gap.since),
        "until_us": to_us(gap.until),
        "detail": None if detail is None else detail[:MAX_DETAIL_CHARACTERS],
        "received_at_us": now_us(),
    }
