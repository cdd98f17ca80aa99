"""MQTT 5: CloudEvents in the binary mode of their MQTT binding, at QoS 1.

The binary mode is what readers of a unified namespace expect: the payload is the inspection itself, and the attributes
are user properties. Nobody signs a message: who may publish is the broker's to know (TLS, credentials, topics).
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from flawgate_contracts.mqtt import Client, Refused, enter, leave, until_lost
from flawgate_gateway.outbox.drafts import encoded
from flawgate_gateway.outbox.sending import TAKEN, Answer, Message, Verdict, tls_context
from flawgate_gateway.outbox.sinks import MqttSink, read_secret
from flawgate_gateway.outbox.topics import property_of, state_topic, topic_of

QOS = 1
RECONNECT_S = 5.0
"""Between tries of a connection while no event is to be sent, in seconds."""
ONLINE, OFFLINE = b'{"state":"online"}', b'{"state":"offline"}'

log = structlog.get_logger(__name__)

_QUOTA_EXCEEDED = 0x97
_IN_PAYLOAD_OR_CONTENT_TYPE = frozenset({"data", "datacontenttype"})


class MqttSender:
    """Publishes to one broker over one connection, which it opens again when it is lost."""

    def __init__(self, sink: MqttSink) -> None:
        """A sender.

        Raises:
            InvalidParameter: a file that the sink names cannot be used.
        """
        self._sink = sink
        self._password = None if sink.password_file is None else read_secret(sink.name, sink.password_file)
        self._tls = tls_context(sink) if sink.tls else None
        self._connecting = asyncio.Lock()
        self._session: _Session | None = None

    async def __aenter__(self) -> Self:
        """See `Sender`."""
        self._keeping = asyncio.ensure_future(self._keep_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """See `Sender`: says offline itself, since the broker keeps the will of a client that says good-bye."""
        async with self._connecting:  # a connection that is being made would say online once we have gone
            self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        session = self._session
        if session is not None and not session.is_lost:
            with suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(self._sink.timeout_s):
                    await session.publish(self._state_topic, OFFLINE, retain=True)
        await self._drop(session)

    async def send(self, message: Message) -> Answer:
        """See `Sender`."""
        session = self._session
        try:
            async with asyncio.timeout(self._sink.timeout_s):
                session = await self._connected()
                return await self._publish(session, message)
        except (aiomqtt.MqttError, TimeoutError) as err:
            # What was begun on this connection must not arrive after what the next one brings.
            await self._drop(session)
            return Answer(Verdict.UNREACHABLE, f"cannot be reached ({err or 'no answer in time'})")

    async def _publish(self, session: "_Session", message: Message) -> Answer:
        topic = topic_of(self._sink.topic_prefix, message.type, message.event["data"])
        payload = encoded(message.event["data"]).encode()
        try:
            await session.publish(topic, payload, properties=_properties(message.event, self._sink.expiry_s))
        except Refused as err:
            busy = err.code == _QUOTA_EXCEEDED
            return Answer(Verdict.UNREACHABLE if busy else Verdict.REFUSED, str(err))
        except ConnectionLost:
            # It may be for this very message, such as one that is too large: it must not hold up all others for ever.
            await self._drop(session)
            return Answer(Verdict.REFUSED, "the connection was lost over it")
        return TAKEN

    @property
    def _state_topic(self) -> str:
        return state_topic(self._sink.topic_prefix, self._sink.name)

    async def _keep_connected(self) -> None:
        """The state at the broker says online as long as it can be reached, also while there are no events."""
        while True:
            with suppress(aiomqtt.MqttError):
                await (await self._connected()).lost()
            await asyncio.sleep(min(RECONNECT_S, self._sink.unreachable_delay_s))

    async def _connected(self) -> "_Session":
        async with self._connecting:
            if self._session is not None and self._session.is_lost:
                await self._drop(self._session)
            if self._session is None:
                self._session = await self._introduced(await _Session.open(self._client()))
            return self._session

    async def _introduced(self, session: "_Session") -> "_Session":
        """Say online; a broker that takes no state from us may take events all the same."""
        try:
            await session.publish(self._state_topic, ONLINE, retain=True)
        except Refused as err:
            log.warning("the broker does not take the state of the delivery", sink=self._sink.name, why=str(err))
        except BaseException:
            await session.close()
            raise
        return session

    async def _drop(self, session: "_Session | None") -> None:
        if session is not None and session is self._session:
            self._session = None
            await session.close()

    def _client(self) -> Client:
        sink = self._sink
        client = Client(
            sink.host,
            sink.effective_port,
            username=sink.username,
            password=self._password,
            identifier=sink.effective_client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(self._state_topic, OFFLINE, QOS, retain=True),
            timeout=sink.timeout_s,
            keepalive=sink.keepalive_s,
            clean_start=True,
            tls_context=self._tls,
        )
        client.pending_calls_threshold = sink.max_in_flight  # it warns of more
        return client


class ConnectionLost(aiomqtt.MqttError):
    """The connection ended before the broker acknowledged a message."""


class _Session:
    """One connection, from its handshake until it is lost or closed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._watching = asyncio.ensure_future(_ended(client))

    @classmethod
    async def open(cls, client: Client) -> Self:
        """Connect.

        Raises:
            aiomqtt.MqttError: the broker cannot be reached, or does not let us in.
        """
        await enter(client)
        return cls(client)

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended by itself."""
        return self._watching.done()

    async def lost(self) -> None:
        """Wait until the connection has ended by itself."""
        await asyncio.wait({self._watching})

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Publish, and wait until the broker says that it has the message.

        Raises:
            Refused: it says that it does not take it.
            ConnectionLost: it said nothing.
        """
        await self._unless_lost(self._client.publish(topic, payload, QOS, retain, properties))

    async def close(self) -> None:
        """Say good-bye where anybody listens."""
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await leave(self._client)

    async def _unless_lost(self, work: Coroutine[Any, Any, None]) -> None:
        publishing = asyncio.ensure_future(work)
        try:
            await asyncio.wait({publishing, self._watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not publishing.done():
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)
        if publishing.cancelled():
            raise ConnectionLost("the connection was lost")
        publishing.result()


async def _ended(client: Client) -> None:
    with suppress(aiomqtt.MqttError):
        await until_lost(client)


def _properties(event: Mapping[str, Any], expiry_s: int) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho annotates it by halves
    properties.ContentType = event["datacontenttype"]
    properties.PayloadFormatIndicator = 1
    properties.MessageExpiryInterval = expiry_s
    properties.UserProperty = [
        (name, property_of(str(value))) for name, value in event.items() if name not in _IN_PAYLOAD_OR_CONTENT_TYPE
    ]
    return properties
