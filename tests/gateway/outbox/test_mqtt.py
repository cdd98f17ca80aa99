import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.mosquitto import Mosquitto, listening, mosquitto
from support.outbox import CountingDeliveryObserver, a_broker, an_inspection, delivering, record, states
from support.webhook_receiver import until

from flawgate_gateway.database.connections import Database
from flawgate_gateway.outbox.drafts import COMPLETED, POLICY_ACTIVATED, REVIEWED, completed, encoded
from flawgate_gateway.outbox.mqtt import MqttSender
from flawgate_gateway.outbox.sending import TAKEN, Message, Verdict
from flawgate_gateway.outbox.topics import topic_of

RESULTS = "v1/+/+/+/inspection/result"
STATE = "v1/delivery/uns/state"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Not started yet."""
    with mosquitto(tmp_path) as broker:
        yield broker


def a_message(**changes: Any) -> Message:
    """An inspection's event, with its number."""
    draft = completed(an_inspection(**changes))
    event = {**draft.document, "sequence": "0000000000000001"}
    return Message(draft.id, draft.type, encoded(event), event)


async def test_a_message_is_a_cloud_event_in_binary_mode(broker: Mosquitto) -> None:
    """The payload is the inspection; the attributes are user properties; it expires, and is not retained."""
    await broker.start()
    message = a_message(station="S 4", line=None)
    async with listening(broker.port, RESULTS) as listener, MqttSender(a_broker(broker.port, expiry_s=60)) as sender:
        assert await sender.send(message) == TAKEN
        (heard,) = await listener.until(1)
    assert str(heard.topic) == "v1/Novo mesto/-/S 4/inspection/result"
    assert isinstance(heard.payload, bytes)
    assert json.loads(heard.payload) == message.event["data"]
    attributes = {key: value for key, value in message.event.items() if key not in ("data", "datacontenttype")}
    properties: Any = heard.properties
    assert dict(properties.UserProperty) == attributes
    assert (properties.ContentType, properties.PayloadFormatIndicator) == ("application/json", 1)
    assert 0 < properties.MessageExpiryInterval <= 60
    assert (heard.qos, heard.retain) == (1, False)


async def test_the_state_says_whether_anybody_delivers(broker: Mosquitto) -> None:
    """Retained: online while connected, offline after a good-bye; the broker itself says so of a lost connection."""
    await broker.start()
    async with listening(broker.port, STATE) as listener:
        async with MqttSender(a_broker(broker.port)) as sender:
            await listener.until(1)
            lost = sender._session
            assert lost is not None
            opened = lost._client._client.socket()
            assert isinstance(opened, socket.socket)
            opened.shutdown(socket.SHUT_RDWR)
            await listener.until(3)
        heard = [message.payload for message in await listener.until(4)]
    assert heard == [b'{"state":"%s"}' % state for state in (b"online", b"offline", b"online", b"offline")]
    async with listening(broker.port, STATE) as later:
        assert [(message.payload, message.retain) for message in await later.until(1)] == [
            (b'{"state":"offline"}', True)
        ]


async def test_what_the_broker_refuses_is_not_delivered(tmp_path: Path) -> None:
    """A topic that the broker's rules forbid: refused, though it acknowledges the message; the rest goes on."""
    rules = "topic readwrite v1/+/+/S4/inspection/result\ntopic read #\n"
    with mosquitto(tmp_path, rules) as broker:
        await broker.start()
        async with MqttSender(a_broker(broker.port)) as sender:
            refused = await sender.send(a_message(station="S5"))
            assert (refused.verdict, refused.detail) == (Verdict.REFUSED, "the broker refused it: Not authorized")
            assert await sender.send(a_message(station="S4")) == TAKEN


async def test_what_the_broker_hangs_up_over_is_refused(tmp_path: Path) -> None:
    """An event that no try will bring becomes a dead letter in the end, instead of holding up all others for ever."""
    with mosquitto(tmp_path, settings="max_packet_size 2500\n") as broker:
        await broker.start()
        async with MqttSender(a_broker(broker.port)) as sender:
            refused = await sender.send(a_message(request_id="A" * 2000))
            assert (refused.verdict, refused.detail) == (Verdict.REFUSED, "the connection was lost over it")
            assert await sender.send(a_message(part="A")) == TAKEN


@pytest.mark.parametrize("odd", ["\ufdd0", "\ufffe", "\U0010ffff"])
async def test_characters_that_brokers_hang_up_over_are_not_sent_as_such(broker: Mosquitto, odd: str) -> None:
    """Percent-encoded in a topic, replaced in a property; the payload has them as they are."""
    await broker.start()
    message = a_message(station=f"S{odd}", part=f"P{odd}")
    async with listening(broker.port, RESULTS) as listener, MqttSender(a_broker(broker.port)) as sender:
        assert await sender.send(message) == TAKEN
        (heard,) = await listener.until(1)
    assert str(heard.topic).split("/")[3] == quote(f"S{odd}")
    assert isinstance(heard.payload, bytes)
    assert json.loads(heard.payload)["part"] == f"P{odd}"
    properties: Any = heard.properties
    assert dict(properties.UserProperty)["subject"] == "P\ufffd"


async def test_a_broker_that_stands_still_is_unreachable(broker: Mosquitto) -> None:
    """No acknowledgement in time: nothing is taken for delivered, and a new connection is made when it goes on."""
    await broker.start()
    assert broker._process is not None
    async with MqttSender(a_broker(broker.port, timeout_s=0.5)) as sender:
        assert await sender.send(a_message()) == TAKEN
        broker._process.send_signal(signal.SIGSTOP)
        assert (await sender.send(a_message())).verdict is Verdict.UNREACHABLE
        broker._process.send_signal(signal.SIGCONT)
        assert await sender.send(a_message()) == TAKEN


async def test_events_survive_a_restart_of_the_broker(database: Database, broker: Mosquitto) -> None:
    """What was appended while it was away comes afterwards, each station in order, none left out."""
    observer = CountingDeliveryObserver()
    async with delivering(database, a_broker(broker.port), observer=observer):
        await record(database, 0, ("uns",))
        await until(lambda: observer.tries["uns", "unreachable"] > 0)
        await broker.start()
        await until(lambda: observer.tries["uns", "delivered"] == 1)
        broker.stop()
        for part in range(1, 5):
            await record(database, part, ("uns",), station=f"S{part % 2}")
        await broker.start()
        async with listening(broker.port, RESULTS) as listener:
            await record(database, 5, ("uns",))
            await until(lambda: observer.tries["uns", "delivered"] == 6)
            await listener.until(1)
    assert await states(database, "uns") == ["delivered"] * 6
    payloads = [json.loads(message.payload) for message in listener.messages if isinstance(message.payload, bytes)]
    for station in ("S0", "S1"):
        parts = [int(data["part"]) for data in payloads if data["station"] == station]
        assert parts == sorted(parts)


@pytest.mark.parametrize(
    ("event_type", "data", "topic"),
    [
        (COMPLETED, {"plant": "P", "line": "L", "station": "S"}, "v1/P/L/S/inspection/result"),
        (REVIEWED, {"plant": "P", "line": "L", "station": "S"}, "v1/P/L/S/inspection/review"),
        (COMPLETED, {"plant": None, "line": "-", "station": "S"}, "v1/-/%2D/S/inspection/result"),
        (COMPLETED, {"plant": "a/b", "line": "+", "station": "#1%"}, "v1/a%2Fb/%2B/%231%25/inspection/result"),
        (COMPLETED, {"plant": "$SYS", "line": "L", "station": "Š"}, "v1/%24SYS/L/Š/inspection/result"),
        (POLICY_ACTIVATED, {"recipe": "commutator"}, "v1/recipes/commutator/policy"),
    ],
)
def test_topics_are_one_level_a_name(event_type: str, data: dict[str, str | None], topic: str) -> None:
    """What has a meaning in topics is percent-encoded; what is not named is a dash, and a dash is encoded."""
    assert topic_of("v1", event_type, data) == topic
