"""Everything that runs beside the inspections so that events get to their sinks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.leases import Lease
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.outbox.delivery import DeliveryObserver, SinkDelivery
from flawgate_gateway.outbox.inventory import backlogs
from flawgate_gateway.outbox.retention import forget_delivered
from flawgate_gateway.outbox.sending import Sender
from flawgate_gateway.outbox.sinks import MqttSink, Sinks, WebhookSink

GAUGES_S = 15.0
"""Between counts of what is pending, in seconds."""
RETENTION_S = 3600.0
"""Between looks for events to forget, in seconds."""
_DAY_US = 86_400_000_000

log = structlog.get_logger(__name__)


class Dispatcher:
    """Delivers to all sinks, counts what waits, and forgets what is old."""

    def __init__(
        self,
        database: Database,
        sinks: Sinks,
        sender_of: Callable[[WebhookSink | MqttSink], Sender],
        observer: DeliveryObserver,
        *,
        poll_s: float,
        lease_s: float,
        retention_days: float,
    ) -> None:
        """A dispatcher that is not running.

        Args:
            database: where the outbox is.
            sinks: who gets events.
            sender_of: gives what brings events to a sink.
            observer: is told of tries and of what waits.
            poll_s: seconds between looks into the outbox while nobody calls `wake`.
            lease_s: seconds after which another gateway takes over from one that has gone.
            retention_days: for which delivered events are kept.

        Raises:
            InvalidParameter: a file that a sink names cannot be used.
        """
        self._database = database
        self.sinks = sinks
        self._names = [sink.name for sink in sinks.sinks]
        self._observer = observer
        self._retention_us = round(retention_days * _DAY_US)
        self._deliveries = [
            SinkDelivery(database, sink, sender_of(sink), observer, poll_s=poll_s, lease_s=lease_s)
            for sink in sinks.sinks
        ]

    def wake(self) -> None:
        """An event was appended: look at once."""
        for delivery in self._deliveries:
            delivery.wake()

    @asynccontextmanager
    async def running(self, *, grace_s: float) -> AsyncIterator[None]:
        """Deliver while the block runs; then tries under way get `grace_s` seconds to end."""
        delivering = [asyncio.ensure_future(delivery.run()) for delivery in self._deliveries]
        chores = ((GAUGES_S, self._count), (RETENTION_S, self._forget)) if self._names else ()
        beside = [asyncio.ensure_future(_every(seconds, work)) for seconds, work in chores]
        try:
            yield
        finally:
            for delivery in self._deliveries:
                delivery.stop()
            if delivering:
                await asyncio.wait(delivering, timeout=grace_s)
            await _end([*delivering, *beside])

    async def _count(self) -> None:
        async with self._database.reading() as connection:
            for backlog in await backlogs(connection, self._names):
                self._observer.backlog(backlog.sink, backlog.pending, backlog.oldest_age_s)

    async def _forget(self) -> None:
        lease = Lease(self._database, "outbox-retention", lasts_s=RETENTION_S / 2)
        if await lease.acquire():
            forgotten = await forget_delivered(self._database, now_us() - self._retention_us)
            log.info("forgot delivered events", events=forgotten)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, whatever comes of it."""
    while True:
        try:
            await work()
        except FlawgateError as error:
            log.warning("the outbox cannot be looked after", reason=error.reason)
        except Exception:
            log.exception("the outbox could not be looked after")
        await asyncio.sleep(seconds)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
