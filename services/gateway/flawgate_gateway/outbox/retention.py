"""Forgetting events that everybody has."""

from sqlalchemy import delete, exists, select

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import deliveries, events
from flawgate_gateway.outbox.states import DELIVERED

CHUNK = 500
"""Events deleted in one transaction: nobody who writes has to wait for long."""


async def forget_delivered(database: Database, before_us: int) -> int:
    """Delete events that were delivered to every sink that was to get them; dead letters and waiting ones stay.

    Args:
        database: where the outbox is.
        before_us: events written before this moment.

    Returns:
        How many were deleted.

    Raises:
        RecordsUnavailable: the database does not answer; what was deleted so far is gone.
    """
    undelivered = exists().where(deliveries.c.event_number == events.c.number, deliveries.c.state != DELIVERED)
    old = select(events.c.number).where(events.c.created_at_us < before_us, ~undelivered)
    forgotten = 0
    while True:
        async with database.writing() as connection:
            numbers = list(await connection.scalars(old.order_by(events.c.created_at_us).limit(CHUNK)))
            ended = deliveries.c.event_number.in_(numbers) & (deliveries.c.state == DELIVERED)
            await connection.execute(delete(deliveries).where(ended))
            # Somebody may replay one of them at this very moment.
            bare = ~exists().where(deliveries.c.event_number == events.c.number)
            await connection.execute(delete(events).where(events.c.number.in_(numbers), bare))
        forgotten += len(numbers)
        if len(numbers) < CHUNK:
            return forgotten
