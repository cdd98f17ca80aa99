"""An alarm that stands at a broker: retained, and with a will for the agent that dies."""

import asyncio
import json

import aiomqtt

from flawgate_camera.alarms.actions.base import FIRST_WAIT_S, LONGEST_WAIT_S, Tried
from flawgate_camera.alarms.facts import AlarmCause, Signal, Source
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.backoff import BackOff
from flawgate_camera.broker import QOS, connected
from flawgate_camera.config.alarms import MqttAction
from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.mqtt import until_lost


class MqttOutput:
    """Keeps one connection, and publishes each change over it; after a new connection the state anew.

    Args:
        config: of the action.
        source: whose alarm it is, for the will.
    """

    def __init__(self, config: MqttAction, source: Source) -> None:
        self._config = config
        self._source = source

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        backoff = BackOff(FIRST_WAIT_S, LONGEST_WAIT_S)
        clock = asyncio.get_running_loop().time
        while True:
            signal, began = await wanted.other_than(None), clock()
            try:
                await self._session(wanted, tried)
            except (aiomqtt.MqttError, InvalidParameter) as err:
                tried(wanted.current or signal, f"The broker {self._where} cannot be used: {err}.")
            await asyncio.sleep(backoff.after(clock() - began))

    @property
    def _where(self) -> str:
        return f"{self._config.host}:{self._config.effective_port}"

    async def _session(self, wanted: Wanted, tried: Tried) -> None:
        """One connection, which ends with an error, or cancelled."""
        async with connected(self._config, timeout_s=self._config.timeout_s, will=self._will()) as client:
            works = [asyncio.ensure_future(work) for work in (self._publish(client, wanted, tried), until_lost(client))]
            try:
                await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for work in works:
                    work.cancel()
                ends = await asyncio.gather(*works, return_exceptions=True)
            for end in ends:
                if isinstance(end, Exception):
                    raise end

    async def _publish(self, client: aiomqtt.Client, wanted: Wanted, tried: Tried) -> None:
        shown: Signal | None = None
        while True:
            shown = await wanted.other_than(shown)
            await client.publish(self._config.topic, _payload(shown), QOS, retain=True)
            tried(shown, None)
            wanted.settle(shown)

    def _will(self) -> aiomqtt.Will:
        dead = Signal.now(self._source, [AlarmCause.AGENT_LOST])
        return aiomqtt.Will(self._config.topic, _payload(dead), QOS, retain=True)


def _payload(signal: Signal) -> bytes:
    return json.dumps(signal.told()).encode()
