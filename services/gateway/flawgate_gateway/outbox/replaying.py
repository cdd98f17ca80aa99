"""Bringing events once more: for a sink that lost some, was added later, or refused what it now takes."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import deliveries, events
from flawgate_gateway.outbox.sources import stream_of
from flawgate_gateway.outbox.states import DEAD, PENDING

CHUNK = 1000
"""Events of one transaction: nobody who writes has to wait for long."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events."""

    since_us: int | None = None
    """Written at this moment or later."""
    until_us: int | None = None
    """Written before this moment."""
    source: str | None = None
    """Of this CloudEvents `source` alone."""
    dead_only: bool = False
    """Only those that were given up."""

    def __post_init__(self) -> None:
        if not self.dead_only and self.since_us is None and self.until_us is None and self.source is None:
            raise InvalidParameter(
                "A replay of everything is never meant: name a time (since, until), a source, or dead letters only.",
                {"field": "since"},
            )

    def of_events(self) -> list[ColumnElement[bool]]:
        """As conditions on `events`."""
        conditions: list[ColumnElement[bool]] = []
        if self.since_us is not None:
            conditions.append(events.c.created_at_us >= self.since_us)
        if self.until_us is not None:
            conditions.append(events.c.created_at_us < self.until_us)
        if self.source is not None:
            conditions.append(events.c.stream == stream_of(self.source))
        return conditions


async def replay(database: Database, sink: str, selection: Selection) -> int:
    """Make deliveries pending again, with their refusals forgotten; pending ones are tried at once.

    They are brought in the order of their stream, before what is younger. Events that were never meant for the sink
    are brought too, unless dead letters alone are asked for.

    Args:
        database: where the outbox is.
        sink: its name.
        selection: which events.

    Returns:
        How many events are to be brought.

    Raises:
        RecordsUnavailable: the database does not answer; what was done so far stays.
    """
    replayed, after = 0, 0
    while True:
        async with database.writing() as connection:
            numbers = await _chunk(connection, sink, selection, after)
            if not numbers:
                return replayed
            await _revive(connection, sink, numbers)
            if not selection.dead_only:
                await _add(connection, sink, numbers)
        replayed += len(numbers)
        after = numbers[-1]


async def _chunk(connection: AsyncConnection, sink: str, selection: Selection, after: int) -> list[int]:
    """The next events, by number."""
    chosen = select(events.c.number).where(events.c.number > after, *selection.of_events())
    if selection.dead_only:
        chosen = chosen.where(_delivery(sink, deliveries.c.state == DEAD))
    return list(await connection.scalars(chosen.order_by(events.c.number).limit(CHUNK)))


async def _revive(connection: AsyncConnection, sink: str, numbers: list[int]) -> None:
    again = update(deliveries).where(deliveries.c.sink == sink, deliveries.c.event_number.in_(numbers))
    await connection.execute(
        again.values(
            state=PENDING, attempts=0, next_attempt_at_us=now_us(), ended_at_us=None, last_error=None, replay=True
        )
    )


async def _add(connection: AsyncConnection, sink: str, numbers: list[int]) -> None:
    """Deliveries of events for which the sink has none."""
    columns = ("sink", "event_number", "stream", "sequence", "state", "next_attempt_at_us", "replay")
    missing = select(
        literal(sink),
        events.c.number,
        events.c.stream,
        events.c.sequence,
        literal(PENDING),
        literal(now_us()),
        literal(True),  # noqa: FBT003 - the value of a column
    ).where(events.c.number.in_(numbers), ~_delivery(sink))
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    # Another replay may add the same ones at this very moment.
    await connection.execute(dialect.insert(deliveries).from_select(columns, missing).on_conflict_do_nothing())


def _delivery(sink: str, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an event has a delivery for the sink."""
    mine = (deliveries.c.sink == sink, deliveries.c.event_number == events.c.number)
    return exists().where(*mine, *conditions)
