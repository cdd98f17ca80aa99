"""One camera's stream to a scripted gateway, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.stream.facts import Outcome, StreamState, Timing, Who
from flawgate_camera.stream.streamer import Streamer

QUICK = Timing(connect_s=5, answer_s=10, retry_s=0.01, retry_max_s=0.1, refused_s=0.3)
WHO = Who(station="S4", camera="cam1", recipe="texture", line="L2")
WAIT_S = 20.0


@dataclass
class Told:
    """What a stream told."""

    outcomes: list[Outcome] = field(default_factory=list)
    states: list[StreamState] = field(default_factory=list)


@asynccontextmanager
async def streaming(
    gateway: Gateway | str, delivery: Delivery, timing: Timing = QUICK
) -> AsyncIterator[tuple[Streamer, Told]]:
    """The stream for the length of the block, and what it tells."""
    told = Told()
    streamer = Streamer(
        WHO,
        gateway if isinstance(gateway, Gateway) else Gateway(target=gateway),
        delivery,
        on_result=told.outcomes.append,
        on_state=told.states.append,
        timing=timing,
    )
    running = asyncio.ensure_future(streamer.run())
    try:
        yield streamer, told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def drained(delivery: Delivery) -> None:
    """Wait until all is answered; fails where that takes too long."""
    async with asyncio.timeout(WAIT_S):
        await delivery.drained()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fails where that takes too long."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110  # what comes to hold is other threads' work, too
            await asyncio.sleep(0.005)
