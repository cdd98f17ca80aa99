import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from support.alarms import SOURCE, Tries, a_signal, an_alarm, running, until
from support.mosquitto import Mosquitto, listening, mosquitto

from flawgate_camera.alarms.actions.mqtt import MqttOutput
from flawgate_camera.alarms.facts import AlarmCause
from flawgate_camera.alarms.resetting import Topic, keep_listening
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config.alarms import MqttAction, MqttReset
from flawgate_camera.simulate.fault_proxy import FaultProxy

TOPIC, RESET_TOPIC = "plant/line/S4/alarm", "plant/line/S4/reset"
RESULTS = AlarmCause.RESULTS


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Not started yet."""
    with mosquitto(tmp_path) as broker:
        yield broker


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[FaultProxy]:
    """A way to the broker that can be cut."""
    proxy = FaultProxy("127.0.0.1", port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


def output(port: int, **table: Any) -> MqttOutput:
    """An action."""
    keys = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "topic": TOPIC, **table}
    return MqttOutput(MqttAction.model_validate(keys), SOURCE)


def states(messages: list[Any]) -> list[tuple[str, list[str]]]:
    """State and causes of each message."""
    told = [json.loads(message.payload) for message in messages]
    return [(each["state"], each["causes"]) for each in told]


async def test_the_state_is_retained(broker: Mosquitto) -> None:
    """Whoever subscribes later knows the state at once; each change is one message."""
    await broker.start()
    wanted, tries = Wanted(), Tries()
    signal = a_signal(RESULTS)
    async with listening(broker.port, TOPIC) as heard, running(output(broker.port).run(wanted, tries)):
        for each in (a_signal(), signal):
            wanted.want(each)
            await asyncio.wait_for(wanted.settled(), 10)
        assert states(await heard.until(2)) == [("off", []), ("on", ["results"])]
        async with listening(broker.port, TOPIC) as late:
            message = (await late.until(1))[0]
    assert (json.loads(bytes(message.payload)), message.retain) == (signal.told(), True)
    assert tries.all == [("off", None), ("on", None)]


async def test_who_dies_is_in_alarm_and_who_comes_back_says_how_it_is(broker: Mosquitto) -> None:
    """The broker says `agent_lost` in the name of an agent that is gone; after a new connection the state stands."""
    await broker.start()
    wanted, tries = Wanted(), Tries()
    async with (
        listening(broker.port, TOPIC) as heard,
        proxied(broker.port) as proxy,
        running(output(proxy.port).run(wanted, tries)),
    ):
        wanted.want(a_signal())
        await heard.until(1)
        proxy.cut()
        assert states(await heard.until(3)) == [("off", []), ("on", ["agent_lost"]), ("off", [])]
        await until(lambda: len(tries.all) == 3)
    assert [failure is None for _, failure in tries.all] == [True, False, True]


async def test_a_broker_that_comes_late_is_told_the_last_state(broker: Mosquitto) -> None:
    """Each try is told; what was wanted meanwhile and is no longer is not published."""
    wanted, tries = Wanted(), Tries()
    async with running(output(broker.port).run(wanted, tries)):
        wanted.want(a_signal(RESULTS))
        await until(lambda: len(tries.all) >= 1)
        wanted.want(a_signal())
        await broker.start()
        async with listening(broker.port, TOPIC) as heard:
            assert states(await heard.until(1)) == [("off", [])]
    assert tries.all[0][1] is not None
    assert str(broker.port) in tries.all[0][1]


async def test_what_the_broker_refuses_is_no_success(tmp_path: Path) -> None:
    """A message that its access list does not let through counts as failed."""
    with mosquitto(tmp_path, rules="topic read #\n") as broker:
        await broker.start()
        wanted, tries = Wanted(), Tries()
        async with running(output(broker.port).run(wanted, tries)):
            wanted.want(a_signal())
            await until(lambda: len(tries.all) >= 1)
    assert tries.all[0][1] is not None
    assert "refused it: Not authorized" in tries.all[0][1]


async def test_a_password_file_that_is_missing_is_a_failure_like_any_other(broker: Mosquitto, tmp_path: Path) -> None:
    """It may be there at the next try; it is read at each connect."""
    await broker.start()
    wanted, tries = Wanted(), Tries()
    password = tmp_path / "password"
    async with running(output(broker.port, username="cam", password_file=password).run(wanted, tries)):
        wanted.want(a_signal())
        await until(lambda: len(tries.all) >= 1)
        password.write_text("secret\n")
        await asyncio.wait_for(wanted.settled(), 10)
    failures = [failure for _, failure in tries.all if failure]
    assert failures[0].endswith(f"The password file {password} cannot be read: No such file or directory..")


async def test_a_message_resets_and_a_retained_one_does_not(broker: Mosquitto) -> None:
    """An old message that lies at the broker must not end an alarm of today; a lost connection is made anew."""
    await broker.start()
    presses: list[None] = []
    async with listening(broker.port, RESET_TOPIC) as heard, proxied(broker.port) as proxy:
        reset = MqttReset(kind="mqtt", host="127.0.0.1", port=proxy.port, topic=RESET_TOPIC)
        await publish(broker.port, retain=True)
        await heard.until(1)
        async with running(keep_listening(Topic(reset), lambda: presses.append(None), "cam1")):
            await until(lambda: proxy.connections == 1)
            await pressed(broker.port, presses, 1)
            proxy.cut()
            await until(lambda: proxy.connections == 2)
            await pressed(broker.port, presses, len(presses) + 1)


def test_an_alarm_may_be_reset_by_mqtt() -> None:
    """The table of a reset by MQTT takes what every broker takes."""
    table = {"kind": "mqtt", "host": "broker", "topic": RESET_TOPIC, "tls": True}
    reset = an_alarm(reset=table).reset
    assert isinstance(reset, MqttReset)
    assert reset.effective_port == 8883


async def publish(port: int, *, retain: bool = False) -> None:
    """Press reset, over the network."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish(RESET_TOPIC, b"reset", qos=1, retain=retain)


async def pressed(port: int, presses: list[None], count: int) -> None:
    """Press until so many were heard: a subscription takes a moment."""
    async with asyncio.timeout(10):
        while len(presses) < count:
            await publish(port)
            await asyncio.sleep(0.05)
