"""An MQTT client that can be believed, for sinks, alarms and triggers. Needs the extra `mqtt`."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode


class Refused(aiomqtt.MqttError):
    """The broker acknowledged a message by saying that it does not take it."""

    def __init__(self, reason: ReasonCode) -> None:
        super().__init__(f"the broker refused it: {reason}")
        self.code = int(reason.value)


class Client(aiomqtt.Client):
    """Hears it when the broker refuses a message, and when it is cancelled.

    aiomqtt takes any acknowledgement for a good one; and it waits by `asyncio.wait_for`, which up to Python 3.11 loses
    a cancellation that comes in the same moment as the answer.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refusals: dict[int, ReasonCode] = {}

    @contextmanager
    def _pending_call(self, mid: int, value: Any, pending_dict: dict[int, Any]) -> Iterator[None]:
        with super()._pending_call(mid, value, pending_dict):
            yield
        refusal = self._refusals.pop(mid, None)
        if refusal is not None:
            raise Refused(refusal)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any) -> None:
        if reason_code.is_failure:
            self._refusals[mid] = reason_code
        super()._on_publish(client, userdata, mid, reason_code, properties)

    async def _wait_for(self, fut: Awaitable[Any], timeout: float | None) -> Any:  # noqa: ASYNC109  # theirs
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("no answer in time") from None


async def enter(client: Client) -> None:
    """Connect; `leave` ends it.

    Raises:
        aiomqtt.MqttError: the broker cannot be reached, or does not let us in.
    """
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        # A thread opens the socket and cannot be stopped: what it opens must be closed.
        with suppress(aiomqtt.MqttError):
            await entering
            await client.__aexit__(None, None, None)
        raise


async def leave(client: Client) -> None:
    """Say good-bye where anybody listens."""
    with suppress(aiomqtt.MqttError):
        await client.__aexit__(None, None, None)


async def until_lost(client: Client) -> None:
    """Wait until the connection is lost, where nothing is subscribed to.

    Raises:
        aiomqtt.MqttError: it is.
    """
    async for _ in client.messages:
        """Nothing is subscribed to: no message comes, only the end of the connection."""
