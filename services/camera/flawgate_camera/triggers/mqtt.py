"""A trigger by MQTT: a message a part, at QoS 1; what became of it is told at another topic, where one is named."""

import asyncio
import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import aiomqtt

from flawgate_camera.broker import QOS, connected
from flawgate_camera.config.network_triggers import MqttTrigger as Config
from flawgate_camera.triggers.network import NetworkTrigger
from flawgate_camera.triggers.queue import TriggerObserver
from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.startup import StartupError

TIMEOUT_S = 10.0
"""For each answer of the broker, in seconds."""
MOST_UNANSWERED = 1000
"""Answers that wait to be told; further ones are not."""

BROKER_ERRORS = (aiomqtt.MqttError, InvalidParameter)
"""With which a connection to a broker fails."""

_Waiting = tuple[bytes, asyncio.Future[str]]


class MqttTrigger(NetworkTrigger):
    """Subscribes to a topic. See `NetworkTrigger`.

    Nothing waits at the broker while the agent is away, and a retained message counts for nothing: the part that an old
    message speaks of has passed.
    """

    def __init__(
        self, config: Config, camera: str, observer: TriggerObserver, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__(config, camera, observer, clock)
        self._config = config

    async def run(self) -> None:
        """See `ServedTrigger`; a connection that is lost later ends it in the same way."""
        try:
            async with connected(self._config, timeout_s=TIMEOUT_S) as client:
                await client.subscribe(self._config.topic, QOS)
                await self._work(client)
        except BROKER_ERRORS as err:
            raise broker_fault(self._config, err) from None

    async def _work(self, client: aiomqtt.Client) -> None:
        """Until the connection is lost, or cancelled."""
        waiting: asyncio.Queue[_Waiting] = asyncio.Queue(MOST_UNANSWERED)
        works: list[Any] = [self._receive(client, waiting), self._publish(client, waiting), self.expire()]
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _receive(self, client: aiomqtt.Client, waiting: "asyncio.Queue[_Waiting]") -> None:
        async for message in client.messages:
            if message.retain:
                continue
            payload = message.payload if isinstance(message.payload, bytes) else b""
            answer = self.offer(payload)
            if self._config.answers is not None and not waiting.full():
                waiting.put_nowait((payload, answer))

    async def _publish(self, client: aiomqtt.Client, waiting: "asyncio.Queue[_Waiting]") -> None:
        """In the order of the triggers."""
        while True:
            payload, answer = await waiting.get()
            told = {"answer": await answer, "trigger": payload.decode(errors="replace")}
            await client.publish(str(self._config.answers), json.dumps(told), QOS)


def broker_fault(config: Config, error: Exception) -> StartupError:
    """Why a trigger cannot be had from its broker, one of `BROKER_ERRORS`."""
    where, why = f"{config.host}:{config.effective_port}", str(error).rstrip(".")
    return StartupError(
        f"The trigger's broker {where} cannot be used ({why}); check that it runs, host, port and password."
    )
