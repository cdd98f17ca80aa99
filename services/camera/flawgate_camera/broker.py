"""A connection to an MQTT broker, for alarms and triggers: MQTT 5, nothing kept there between two connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from flawgate_camera.config.broker import Broker
from flawgate_contracts.mqtt import Client, enter, leave

QOS = 1
MOST_UNREAD = 1000
"""Messages that came and were not read yet; further ones are lost."""


@asynccontextmanager
async def connected(broker: Broker, *, timeout_s: float, will: aiomqtt.Will | None = None) -> AsyncIterator[Client]:
    """A client that is connected; its password is read anew each time.

    Args:
        broker: where, and as whom.
        timeout_s: for each answer of the broker, in seconds.
        will: what it says in the client's name when that dies.

    Raises:
        aiomqtt.MqttError: it cannot be reached, or does not let us in.
        InvalidParameter: a file that it names cannot be used.
    """
    client = Client(
        broker.host,
        broker.effective_port,
        username=broker.username,
        password=broker.password(),
        tls_context=await asyncio.to_thread(broker.tls_context),
        protocol=aiomqtt.ProtocolVersion.V5,
        will=will,
        timeout=timeout_s,
        keepalive=max(5, round(2 * timeout_s)),
        clean_start=True,
        max_queued_incoming_messages=MOST_UNREAD,
    )
    await enter(client)
    try:
        yield client
    finally:
        await leave(client)
