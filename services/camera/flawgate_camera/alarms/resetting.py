"""How a person ends an alarm: a button, or a message."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import aiomqtt
import structlog

from flawgate_camera.alarms.gpio import open_pin
from flawgate_camera.backoff import BackOff
from flawgate_camera.broker import QOS, connected
from flawgate_camera.config.alarms import ButtonReset, GoodReset, MqttReset, Reset
from flawgate_contracts.errors import InvalidParameter

log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Between two tries to listen, about."""
BOUNCE_S = 0.05
"""A button's contacts bounce for less."""
BROKER_TIMEOUT_S = 10.0

Pressed = Callable[[], None]


class Listening(Protocol):
    """Listens to a person."""

    async def listen(self, pressed: Pressed) -> None:
        """Call `pressed`, in the event loop, each time; until cancelled.

        Raises:
            OSError: that cannot be done now. The message is a sentence for a technician.
        """
        ...


class Button:
    """Between a pin and ground; the pin's own resistor pulls it up.

    Args:
        pin: BCM number.
        factory: of pins, of gpiozero; the machine's own where None.
    """

    def __init__(self, pin: int, factory: Any = None) -> None:
        self._pin = pin
        self._factory = factory

    async def listen(self, pressed: Pressed) -> None:
        """See `Listening`."""
        loop = asyncio.get_running_loop()
        device = await asyncio.to_thread(
            open_pin, "Button", self._pin, self._factory, pull_up=True, bounce_time=BOUNCE_S
        )
        try:
            device.when_pressed = lambda: loop.call_soon_threadsafe(pressed)
            await asyncio.Event().wait()
        finally:
            device.close()


class Topic:
    """Any message counts, but not one that lay there before."""

    def __init__(self, config: MqttReset) -> None:
        self._config = config

    async def listen(self, pressed: Pressed) -> None:
        """See `Listening`."""
        try:
            async with connected(self._config, timeout_s=BROKER_TIMEOUT_S) as client:
                await client.subscribe(self._config.topic, QOS)
                async for message in client.messages:
                    if not message.retain:
                        pressed()
        except (aiomqtt.MqttError, InvalidParameter) as err:
            where = f"{self._config.host}:{self._config.effective_port}"
            raise OSError(f"The broker {where} cannot be used: {err}.") from None


def create_listening(reset: Reset) -> Listening | None:
    """What a table describes; None where an alarm ends by itself."""
    match reset:
        case GoodReset():
            return None
        case ButtonReset():
            return Button(reset.pin)
        case MqttReset():
            return Topic(reset)


async def keep_listening(listening: Listening, pressed: Pressed, camera: str) -> None:
    """Listen until cancelled, again after each failure; the first of a row is logged."""
    backoff, told, clock = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S), "", asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            await listening.listen(pressed)
        except OSError as err:
            worked_s = clock() - began
            if str(err) != told or worked_s > LONGEST_WAIT_S:
                log.warning("alarms cannot be reset by hand now", camera=camera, message=str(err))
            told = str(err)
            await asyncio.sleep(backoff.after(worked_s))
