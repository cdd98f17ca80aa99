"""Frames sent by the agent's own stream, and by the unary call of gRPC: as fast as it goes, or at an even pace."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from uuid import uuid4

import grpc

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.stream.facts import Outcome, Who
from flawgate_camera.stream.streamer import Streamer

STATION = "benchmark"
WAIT_S = 120.0
MOST_UNSETTLED = 8
"""A paced camera that has so many frames without an answer gives none: the gateway does not keep up."""


@dataclass
class Camera:
    """A camera whose stream stands."""

    delivery: EveryDelivery
    ages_s: list[float] = field(default_factory=list)
    """From capture to answer, in seconds."""
    withheld: int = 0
    """Frames that were not given since the gateway did not keep up."""

    def answered(self, outcome: Outcome) -> None:
        """A frame has its answer, which must be an inspection."""
        if outcome.inspection is None:
            raise RuntimeError(f"frame {outcome.sequence} was not inspected: {outcome.refusal}")
        self.ages_s.append(outcome.age_s or 0.0)

    def give(self, data: bytes) -> None:
        """Capture a frame."""
        if self.delivery.facts().unsettled >= MOST_UNSETTLED:
            self.withheld += 1
            return
        self.offer(data)

    def offer(self, data: bytes) -> None:
        """Capture a frame, whatever waits."""
        sequence = self.delivery.next_sequence()
        self.delivery.offer(CapturedFrame(sequence, data, None, datetime.now(UTC), time.monotonic()))


@asynccontextmanager
async def camera(target: str, recipe: str, name: str, *, room: int) -> AsyncIterator[Camera]:
    """A camera whose stream stands; `room`: most frames that it holds."""
    given = Camera(EveryDelivery(room))
    connected = asyncio.Event()
    who = Who(station=STATION, camera=name, recipe=recipe)
    streamer = Streamer(
        who,
        Gateway(target=target),
        given.delivery,
        on_result=given.answered,
        on_state=lambda state: connected.set() if state.connected else None,
    )
    running = asyncio.ensure_future(streamer.run())
    try:
        await asyncio.wait_for(connected.wait(), WAIT_S)
        yield given
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def streamed_rate(target: str, recipe: str, frames: Sequence[bytes]) -> float:
    """Frames per second of one camera that always has a frame to send."""
    async with camera(target, recipe, "fast", room=len(frames) + 1) as given:
        started = time.perf_counter()
        for data in frames:
            given.offer(data)
        await asyncio.wait_for(given.delivery.drained(), WAIT_S)
        return len(frames) / (time.perf_counter() - started)


async def streamed_ages(target: str, recipe: str, frames: Sequence[bytes], rate: float) -> list[float]:
    """Seconds from capture to answer of frames that come at a rate, by one camera."""
    async with camera(target, recipe, "paced", room=len(frames) + 1) as given:
        async for index in paced(len(frames), rate):
            given.offer(frames[index])
        await asyncio.wait_for(given.delivery.drained(), WAIT_S)
        return given.ages_s


async def unary_ages(target: str, recipe: str, frames: Sequence[bytes], rate: float) -> list[float]:
    """The same by the call `Inspect`, over one connection; each under a key, so that it too is on record once."""
    async with grpc.aio.insecure_channel(target) as channel:
        stub = inspection_pb2_grpc.InspectionServiceStub(channel)
        await channel.channel_ready()

        async def inspect(data: bytes) -> float:
            captured = time.monotonic()
            identity = pb.Identity(station=STATION, camera="unary")
            request = pb.InspectRequest(encoded=data, recipe=recipe, identity=identity, idempotency_key=str(uuid4()))
            request.acquired_at.FromDatetime(datetime.now(UTC))
            await stub.Inspect(request, timeout=WAIT_S)
            return time.monotonic() - captured

        return await asyncio.gather(
            *[asyncio.ensure_future(inspect(frames[index])) async for index in paced(len(frames), rate)]
        )


async def paced(count: int, rate: float) -> AsyncIterator[int]:
    """So many numbers from 0, so many a second."""
    begins = time.monotonic()
    for index in range(count):
        await asyncio.sleep(max(0.0, begins + index / rate - time.monotonic()))
        yield index


async def many_cameras(
    target: str, recipe: str, frames: Sequence[bytes], cameras: int, rate: float, seconds: float
) -> list[Camera]:
    """So many cameras, each at a rate for a while, their frames spread evenly."""
    async with _all_open(target, recipe, cameras) as opened:
        pictures = cycle(frames)
        async for index in paced(round(cameras * rate * seconds), cameras * rate):
            opened[index % cameras].give(next(pictures))
        await asyncio.gather(*(asyncio.wait_for(each.delivery.drained(), WAIT_S) for each in opened))
        return opened


@asynccontextmanager
async def _all_open(target: str, recipe: str, cameras: int) -> AsyncIterator[list[Camera]]:
    opening = [camera(target, recipe, f"cam{number}", room=MOST_UNSETTLED + 1) for number in range(cameras)]
    opened = await asyncio.gather(*(each.__aenter__() for each in opening))
    try:
        yield list(opened)
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in opening))
