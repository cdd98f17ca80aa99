"""What has become of deliveries: for people, and for gauges."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Join, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import deliveries, events
from flawgate_gateway.outbox.backlog import head_numbers
from flawgate_gateway.outbox.states import DEAD, PENDING


@dataclass(frozen=True, slots=True)
class Backlog:
    """How a sink stands."""

    sink: str
    pending: int
    dead: int
    oldest_age_s: float
    """Of the event that waits the longest, in seconds since it was written; 0 where none waits."""
    last_error: str | None
    """Why what waits, or was given up last, was not taken; None where all is well."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up."""

    number: int
    event_id: str
    type: str
    source: str
    sequence: int
    inspection_id: str | None
    attempts: int
    last_error: str | None
    created_at_us: int
    ended_at_us: int


async def known_sinks(connection: AsyncConnection) -> list[str]:
    """Names of all sinks that have deliveries, in order; also of those that no file names any more."""
    first = select(func.min(deliveries.c.sink).label("sink")).cte("known_sinks", recursive=True)
    following = select(func.min(deliveries.c.sink)).where(deliveries.c.sink > first.c.sink).scalar_subquery()
    found = first.union_all(select(following).where(first.c.sink.is_not(None)))
    return [name for name in await connection.scalars(select(found.c.sink)) if name is not None]


async def backlogs(connection: AsyncConnection, sinks: Sequence[str]) -> list[Backlog]:
    """How these sinks stand."""
    return [await _backlog(connection, sink) for sink in sinks]


async def _backlog(connection: AsyncConnection, sink: str) -> Backlog:
    numbers = head_numbers(sink)
    head = deliveries.join(numbers, numbers.c.number == deliveries.c.number)
    dated = head.join(events, events.c.number == deliveries.c.event_number)
    oldest = await connection.scalar(select(func.min(events.c.created_at_us)).select_from(dated))
    return Backlog(
        sink=sink,
        pending=await _count(connection, sink, PENDING),
        dead=await _count(connection, sink, DEAD),
        oldest_age_s=0.0 if oldest is None else max(0.0, (now_us() - oldest) / 1_000_000),
        last_error=await _last_error(connection, sink, head),
    )


async def _last_error(connection: AsyncConnection, sink: str, head: Join) -> str | None:
    """What was said of the events that all others wait for or, where none waits, of the last dead letter."""
    error = select(deliveries.c.last_error).where(deliveries.c.last_error.is_not(None)).limit(1)
    waiting = error.select_from(head).order_by(deliveries.c.next_attempt_at_us.desc())
    said = await connection.scalar(waiting)
    if said is None:
        dead = error.where(deliveries.c.sink == sink, deliveries.c.state == DEAD)
        said = await connection.scalar(dead.order_by(deliveries.c.number.desc()))
    return said


async def _count(connection: AsyncConnection, sink: str, state: str) -> int:
    counted = select(func.count()).where(deliveries.c.sink == sink, deliveries.c.state == state)
    return int(await connection.scalar(counted.select_from(deliveries)) or 0)


async def dead_letters(connection: AsyncConnection, sink: str, *, before: int | None, limit: int) -> list[DeadLetter]:
    """Events that were given up, the newest first.

    Args:
        connection: for reading.
        sink: its name.
        before: `number` of the last one of the page before; None: from the start.
        limit: how many at most.
    """
    letters = (
        select(
            deliveries.c.number,
            events.c.id,
            events.c.type,
            events.c.document,
            deliveries.c.sequence,
            events.c.inspection_id,
            deliveries.c.attempts,
            deliveries.c.last_error,
            events.c.created_at_us,
            deliveries.c.ended_at_us,
        )
        .join(events, events.c.number == deliveries.c.event_number)
        .where(deliveries.c.sink == sink, deliveries.c.state == DEAD)
        .order_by(deliveries.c.number.desc())
        .limit(limit)
    )
    if before is not None:
        letters = letters.where(deliveries.c.number < before)
    return [_dead_letter(row) for row in await connection.execute(letters)]


def _dead_letter(row: Any) -> DeadLetter:
    return DeadLetter(
        number=row.number,
        event_id=row.id,
        type=row.type,
        source=json.loads(row.document)["source"],
        sequence=row.sequence,
        inspection_id=row.inspection_id,
        attempts=row.attempts,
        last_error=row.last_error,
        created_at_us=row.created_at_us,
        ended_at_us=row.ended_at_us,
    )
