"""Whether a camera's trigger can be heard; nothing is subscribed to, and no trigger is taken."""

from asyncio import StreamReader, StreamWriter

from flawgate_camera.broker import connected
from flawgate_camera.config import network_triggers as network
from flawgate_camera.config.triggers import Trigger
from flawgate_camera.triggers.mqtt import BROKER_ERRORS, broker_fault
from flawgate_camera.triggers.tcp import listen
from flawgate_contracts.startup import StartupError

BROKER_S = 5.0
"""For each answer of a broker, in seconds."""


async def hear(trigger: Trigger) -> str | None:
    """Listen where it says, or connect to its broker, and leave at once.

    Returns:
        Why the trigger cannot be heard, one sentence; None where it can, or needs no network.
    """
    try:
        match trigger:
            case network.TcpTrigger():
                (await listen(trigger, _turn_away)).close()
            case network.MqttTrigger():
                await _connect(trigger)
            case _:
                pass
    except StartupError as err:
        return str(err)
    return None


async def _connect(trigger: network.MqttTrigger) -> None:
    try:
        async with connected(trigger, timeout_s=BROKER_S):
            pass
    except BROKER_ERRORS as err:
        raise broker_fault(trigger, err) from None


def _turn_away(_reader: StreamReader, writer: StreamWriter) -> None:
    writer.close()
