"""The outbox's write side: an event, its number and who is to get it, in the transaction of what it tells."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from flawgate_gateway.answer import rfc_3339
from flawgate_gateway.database.moments import from_us, now_us
from flawgate_gateway.database.tables import deliveries, events, streams
from flawgate_gateway.outbox.drafts import EventDraft, encoded
from flawgate_gateway.outbox.sources import stream_of
from flawgate_gateway.outbox.states import PENDING

SEQUENCE_DIGITS = 16
"""Fixed, so that sequences are in order as text, too."""


def _count(first: sqlite.Insert | postgresql.Insert) -> ReturningInsert[int]:
    counted = first.on_conflict_do_update(
        index_elements=[streams.c.stream], set_={"last_sequence": streams.c.last_sequence + 1}
    )
    return counted.returning(streams.c.last_sequence)


_COUNT_SQLITE, _COUNT_POSTGRESQL = _count(sqlite.insert(streams)), _count(postgresql.insert(streams))
_EVENT, _DELIVERY = insert(events).returning(events.c.number), insert(deliveries)


def append(connection: Connection, draft: EventDraft, sinks: Sequence[str]) -> None:
    """Write an event; nothing where nobody is to get it.

    Numbers of a stream are contiguous, since a stream's row is locked until the end of the transaction: an event is
    seen by others only after all those before it.

    Args:
        connection: of the transaction that writes what the event tells.
        draft: the event.
        sinks: names of those that are to get it.
    """
    if not sinks:
        return
    stream, now = stream_of(draft.source), now_us()
    sequence = _next_sequence(connection, stream)
    event = {
        "id": draft.id,
        "stream": stream,
        "sequence": sequence,
        "type": draft.type,
        "inspection_id": draft.inspection_id,
        "created_at_us": now,
        "document": encoded(_numbered(draft, sequence, now)),
    }
    number = connection.scalar(_EVENT, event)
    delivery = {"event_number": number, "stream": stream, "sequence": sequence, "state": PENDING}
    rows = [{**delivery, "sink": sink, "next_attempt_at_us": now} for sink in sinks]
    connection.execute(_DELIVERY, rows)


def _numbered(draft: EventDraft, sequence: int, now: int) -> dict[str, object]:
    attributes = {name: value for name, value in draft.document.items() if name != "data"}
    numbers = {"sequence": f"{sequence:0{SEQUENCE_DIGITS}d}", "recordedtime": rfc_3339(from_us(now))}
    return {**attributes, **numbers, "data": draft.document["data"]}


def _next_sequence(connection: Connection, stream: str) -> int:
    """Count a stream on, from 1."""
    count = _COUNT_SQLITE if connection.dialect.name == "sqlite" else _COUNT_POSTGRESQL
    sequence: int = connection.execute(count, {"stream": stream, "last_sequence": 1}).scalar_one()
    return sequence
