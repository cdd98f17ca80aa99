"""Delivery to one sink: in order within a stream, several streams at once, by one gateway of all."""

import asyncio
import json
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Protocol

import structlog
from sqlalchemy import Connection

from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.leases import Lease
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.outbox.backlog import Outcome, Pending, batch, heads, settle_delivered, settle_failed
from flawgate_gateway.outbox.backoff import Pause, wait_s
from flawgate_gateway.outbox.sending import Answer, Message, Sender, Verdict
from flawgate_gateway.outbox.sinks import MqttSink, WebhookSink
from flawgate_gateway.outbox.states import DEAD, PENDING

BATCH = 160
"""Deliveries of a stream that are read at once."""
ROUND_S = 0.25
"""Shortest time between two rounds, in seconds: what was delivered meanwhile is written in one transaction."""

log = structlog.get_logger(__name__)


class DeliveryObserver(Protocol):
    """Whoever counts deliveries."""

    def tried(self, sink: str, result: str) -> None:
        """One try ended; `result` is a `Verdict`, or `dead` where the event was given up."""
        ...

    def backlog(self, sink: str, pending: int, oldest_age_s: float) -> None:
        """So many events wait for a sink, the oldest for so many seconds."""
        ...


class SinkDelivery:
    """Brings a sink what is pending for it, as long as this gateway holds the sink's lease.

    Of an event that is brought, the database hears shortly after; where the process ends in between, the event is
    brought once more: at least once, never not at all. No connection of the database is held while a sink is waited
    for.
    """

    def __init__(
        self,
        database: Database,
        sink: WebhookSink | MqttSink,
        sender: Sender,
        observer: DeliveryObserver,
        *,
        poll_s: float,
        lease_s: float,
    ) -> None:
        """A delivery that is not running.

        Args:
            database: where the outbox is.
            sink: its name and its limits.
            sender: brings it the events; entered each time that the lease is taken.
            observer: is told of each try.
            poll_s: seconds between looks into the outbox while nobody calls `wake`.
            lease_s: seconds after which another gateway delivers when this one has gone; two of the sink's time-outs
                where that is more.
        """
        self._database = database
        self._sink = sink
        self._sender = sender
        self._observer = observer
        self._poll_s = poll_s
        self._lease_s = max(lease_s, 2 * sink.timeout_s)
        self._lease = Lease(database, f"outbox:{sink.name}", lasts_s=self._lease_s)
        self._sure_until = 0.0
        self._pause = Pause(sink.unreachable_delay_s)
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._delivered: list[int] = []
        self._failed: list[Outcome] = []

    def wake(self) -> None:
        """Something was appended."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` end after the tries that are under way."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """Deliver until `stop`. Whatever goes wrong is logged, and it goes on."""
        while not self._stopping.is_set():
            rest_s = self._poll_s
            try:
                if await self._renew():
                    await self._deliver()
                else:
                    rest_s = self._lease_s / 3
            except FlawgateError as error:
                log.warning("delivery has to wait for the database", sink=self._sink.name, reason=error.reason)
            except Exception:
                log.exception("delivery failed unexpectedly, and starts again", sink=self._sink.name)
            await _wait(self._stopping, rest_s)

    async def _deliver(self) -> None:
        """Until the lease is lost, or `stop`."""
        try:
            async with self._sender:
                try:
                    await self._rounds()
                    await asyncio.gather(*self._workers.values())
                finally:
                    await self._cancel_workers()
        finally:
            await asyncio.shield(self._hand_over())

    async def _rounds(self) -> None:
        renew_at = time.monotonic() + self._lease_s / 3
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._settle()
            if began >= renew_at:
                if not await self._renew():
                    return
                renew_at = began + self._lease_s / 3
            if self._pause.left_s <= 0:
                await self._start_workers()
            await _wait(self._woken, self._poll_s if self._pause.left_s <= 0 else min(self._poll_s, self._pause.left_s))
            self._woken.clear()
            await asyncio.sleep(max(0.0, began + ROUND_S - time.monotonic()))

    async def _start_workers(self) -> None:
        """Read what may be sent now; a task each brings a stream's."""
        free = self._sink.max_in_flight - len(self._workers)
        if free <= 0:
            return
        busy = frozenset(self._workers)
        batches = await self._database.read(lambda connection: _batches(connection, self._sink.name, busy, free))
        for stream, pending in batches.items():
            task = asyncio.ensure_future(self._bring(pending))
            self._workers[stream] = task
            task.add_done_callback(lambda _: self._woken.set())

    async def _bring(self, pending: Sequence[Pending]) -> None:
        """One after the other, until one has to wait."""
        for delivery in pending:
            if not self._may_send():
                return
            message = Message(delivery.event_id, delivery.event_type, delivery.document, json.loads(delivery.document))
            answer = await self._sender.send(message)
            if not self._noted(delivery, answer):
                return

    def _may_send(self) -> bool:
        """The try has to end before another gateway could begin one."""
        in_time = time.monotonic() + self._sink.timeout_s <= self._sure_until
        return in_time and not self._stopping.is_set() and self._pause.left_s <= 0

    def _noted(self, delivery: Pending, answer: Answer) -> bool:
        """Note what came of a try; whether the next event of the stream may follow."""
        if answer.verdict is Verdict.DELIVERED:
            self._pause.reached()
            self._delivered.append(delivery.number)
            self._observer.tried(self._sink.name, answer.verdict)
            return True
        if answer.verdict is Verdict.UNREACHABLE:
            self._unreachable(delivery, answer)
            return False
        self._pause.reached()
        return self._refused(delivery, answer)

    def _unreachable(self, delivery: Pending, answer: Answer) -> None:
        first = self._pause.failed(answer.retry_after_s)
        self._observer.tried(self._sink.name, answer.verdict)
        self._failed.append(Outcome(delivery.number, PENDING, delivery.attempts, answer.detail, 0.0))
        # All streams find the same: one line a pause.
        if first:
            pause_s = round(self._pause.left_s, 1)
            log.warning("a sink cannot be reached", sink=self._sink.name, why=answer.detail, pause_s=pause_s)

    def _refused(self, delivery: Pending, answer: Answer) -> bool:
        attempts = delivery.attempts + 1
        gone = answer.verdict is Verdict.GONE
        again_s = None if gone else wait_s(self._sink.retry_delays_s, attempts, answer.retry_after_s)
        if again_s is not None:
            self._observer.tried(self._sink.name, answer.verdict)
            self._failed.append(Outcome(delivery.number, PENDING, attempts, answer.detail, again_s))
            return False
        self._observer.tried(self._sink.name, DEAD)
        self._failed.append(Outcome(delivery.number, DEAD, attempts, answer.detail, 0.0))
        log.error("an event is a dead letter", sink=self._sink.name, event_id=delivery.event_id, why=answer.detail)
        return True

    async def _settle(self) -> None:
        """Write what came of the tries since the last time; it is kept for the next time where that fails."""
        for stream, task in list(self._workers.items()):
            if task.done():
                # Only now, so that what it noted is written before its stream is read again.
                del self._workers[stream]
                task.result()
        delivered, failed = list(self._delivered), list(self._failed)
        if not delivered and not failed:
            return
        await self._database.write(lambda connection: _write(connection, delivered, failed))
        del self._delivered[: len(delivered)]
        del self._failed[: len(failed)]

    async def _cancel_workers(self) -> None:
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._workers.clear()

    async def _hand_over(self) -> None:
        """Write what is known, and let another gateway go on."""
        self._sure_until = 0.0
        with suppress(FlawgateError):
            await self._settle()
        with suppress(FlawgateError):
            await self._lease.release()

    async def _renew(self) -> bool:
        asked = time.monotonic()
        held = await self._lease.acquire()
        self._sure_until = asked + self._lease_s if held else 0.0
        return held


def _batches(connection: Connection, sink: str, busy: AbstractSet[str], most: int) -> dict[str, list[Pending]]:
    """What may be sent now of streams that nobody is busy with, of so many at most."""
    now = now_us()
    due = [head.stream for head in heads(connection, sink) if head.next_attempt_at_us <= now]
    idle = [stream for stream in due if stream not in busy][:most]
    return {stream: batch(connection, sink, stream, BATCH) for stream in idle}


def _write(connection: Connection, delivered: Sequence[int], failed: Sequence[Outcome]) -> None:
    """What came of tries."""
    if delivered:
        settle_delivered(connection, delivered)
    for outcome in failed:
        settle_failed(connection, outcome)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """For an event, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
