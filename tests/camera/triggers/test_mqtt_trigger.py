import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from support.alarms import CountingTriggerObserver, picture, running, until
from support.mosquitto import Mosquitto, listening, mosquitto
from support.ports import free_port

from flawgate_camera.config.network_triggers import MqttTrigger as Config
from flawgate_camera.frames import Trigger
from flawgate_camera.triggers.base import ServedTrigger
from flawgate_camera.triggers.mqtt import MqttTrigger
from flawgate_camera.triggers.queue import Fate
from flawgate_contracts.startup import StartupError

TOPIC, ANSWERS = "plant/line/S4/trigger", "plant/line/S4/answer"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Not started yet."""
    with mosquitto(tmp_path) as broker:
        yield broker


def a_trigger(port: int, observer: CountingTriggerObserver, **table: Any) -> MqttTrigger:
    """Listens to `TOPIC`."""
    keys = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "topic": TOPIC, "answers": ANSWERS, **table}
    return MqttTrigger(Config.model_validate(keys), "cam1", observer)


async def publish(port: int, *payloads: str, retain: bool = False) -> None:
    """What an MES sends."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for payload in payloads:
            await client.publish(TOPIC, payload, qos=1, retain=retain)


async def subscribed(port: int, observer: CountingTriggerObserver) -> None:
    """Wait until rubbish is heard: then triggers are."""
    async with asyncio.timeout(10):
        while not observer.fates:
            await publish(port, "{")
            await asyncio.sleep(0.05)
    observer.fates.clear()


async def test_messages_are_triggers_and_are_answered(broker: Mosquitto) -> None:
    """Each gets a picture in its order; what became of it stands at the other topic."""
    await broker.start()
    observer = CountingTriggerObserver()
    trigger = a_trigger(broker.port, observer, within_s=0.3)
    assert isinstance(trigger, ServedTrigger)
    taken: list[Trigger] = []
    async with running(trigger.run()):
        await subscribed(broker.port, observer)
        async with listening(broker.port, ANSWERS) as heard:
            sent = ['{"part": "SN-1", "trigger_id": "t-1"}', "SN-2", "SN-3"]
            await publish(broker.port, *sent)
            await until(lambda: len(taken) == 2 or _take(trigger, taken))
            answers = [json.loads(message.payload) for message in await heard.until(3)]
    assert taken == [Trigger(id="t-1", part="SN-1"), Trigger(part="SN-2")]
    told = ["ok", "ok", "error no picture came within 0.3 s"]
    assert answers == [{"answer": said, "trigger": what} for said, what in zip(told, sent, strict=True)]
    assert observer.fates == [Fate.TAKEN, Fate.TAKEN, Fate.MISSED]


def _take(trigger: MqttTrigger, taken: list[Trigger]) -> bool:
    """A picture is taken now."""
    found = trigger.wanted(picture(time.monotonic()))
    taken.extend(() if found is None else (found,))
    return False


async def test_a_retained_message_is_no_trigger(broker: Mosquitto) -> None:
    """The part that it speaks of passed before the agent came."""
    await broker.start()
    await publish(broker.port, "SN-old", retain=True)
    observer = CountingTriggerObserver()
    trigger = a_trigger(broker.port, observer, within_s=0.1)
    async with running(trigger.run()):
        await subscribed(broker.port, observer)
        await asyncio.sleep(0.3)
    assert set(observer.fates) <= {Fate.REFUSED}


async def test_a_broker_that_goes_away_is_a_sentence(broker: Mosquitto) -> None:
    """The camera is down with it, and the agent tries again."""
    await broker.start()
    observer = CountingTriggerObserver()
    running_trigger = asyncio.ensure_future(a_trigger(broker.port, observer).run())
    await subscribed(broker.port, observer)
    broker.stop()
    with pytest.raises(StartupError, match=f"broker 127.0.0.1:{broker.port} cannot be used"):
        await asyncio.wait_for(running_trigger, 20)


@pytest.mark.parametrize("table", [{}, {"username": "cam", "password_file": "/no/such/file"}, {"ca_file": "/no/file"}])
async def test_a_broker_that_cannot_be_used_is_a_sentence_without_secrets(table: dict[str, str]) -> None:
    """Nothing listens there, or a file that it needs is missing."""
    with pytest.raises(StartupError, match=r"broker 127\.0\.0\.1:[0-9]+ cannot be used \("):
        await a_trigger(free_port(), CountingTriggerObserver(), **table).run()
