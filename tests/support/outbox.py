"""Events, sinks and those who deliver, for tests of the outbox."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import deliveries
from flawgate_gateway.outbox.dispatcher import Dispatcher
from flawgate_gateway.outbox.drafts import completed
from flawgate_gateway.outbox.senders import sender_of
from flawgate_gateway.outbox.sinks import MqttSink, Sinks, WebhookSink
from flawgate_gateway.outbox.writing import append
from flawgate_gateway.rest.openapi import EXAMPLE_INSPECTION
from support.webhook_receiver import SECRET


def an_inspection(**changes: Any) -> Inspection:
    """The example of the documentation, with changes."""
    links = {"frame": None, **EXAMPLE_INSPECTION["links"]}
    return Inspection.model_validate({"service_version": "0.1.0", **EXAMPLE_INSPECTION, "links": links, **changes})


async def record(database: Database, part: int, sinks: tuple[str, ...], station: str = "S1") -> None:
    """Write the event of a part in a transaction of its own."""
    inspection = an_inspection(part=str(part), station=station)
    await database.write(lambda connection: append(connection, completed(inspection), sinks))


def secret_file(folder: Path) -> Path:
    """A file with the signing secret of the receiver."""
    path = folder / "secret"
    path.write_text(SECRET + "\n")
    return path


def a_webhook(folder: Path, url: str, **changes: Any) -> WebhookSink:
    """A sink that is tried again quickly."""
    told = {
        "name": "mes",
        "kind": "webhook",
        "url": url,
        "secret_files": [secret_file(folder)],
        "timeout_s": 1.0,
        "retry_delays_s": [0.05, 0.05],
        "unreachable_delay_s": 0.1,
    }
    return WebhookSink.model_validate({**told, **changes})


def a_broker(port: int, **changes: Any) -> MqttSink:
    """A sink on loopback that is tried again quickly."""
    told = {"name": "uns", "kind": "mqtt", "host": "127.0.0.1", "port": port, "tls": False}
    return MqttSink.model_validate({**told, "timeout_s": 2.0, "unreachable_delay_s": 0.1, **changes})


class CountingDeliveryObserver:
    """A `DeliveryObserver` that keeps what it is told."""

    def __init__(self) -> None:
        self.tries: Counter[tuple[str, str]] = Counter()
        self.pending: dict[str, int] = {}

    def tried(self, sink: str, result: str) -> None:
        """See `DeliveryObserver`."""
        self.tries[sink, result] += 1

    def backlog(self, sink: str, pending: int, oldest_age_s: float) -> None:
        """See `DeliveryObserver`."""
        self.pending[sink] = pending


@asynccontextmanager
async def delivering(
    database: Database,
    *sinks: WebhookSink | MqttSink,
    observer: CountingDeliveryObserver | None = None,
    lease_s: float = 2.0,
    grace_s: float = 5.0,
) -> AsyncIterator[Dispatcher]:
    """A dispatcher that looks often."""
    dispatcher = Dispatcher(
        database,
        Sinks(sinks=sinks),
        sender_of,
        observer or CountingDeliveryObserver(),
        poll_s=0.05,
        lease_s=lease_s,
        retention_days=30,
    )
    async with dispatcher.running(grace_s=grace_s):
        yield dispatcher


async def states(database: Database, sink: str) -> list[str]:
    """What became of each delivery to a sink, in the order in which they were written."""
    async with database.reading() as connection:
        found = select(deliveries.c.state).where(deliveries.c.sink == sink).order_by(deliveries.c.number)
        return list(await connection.scalars(found))
