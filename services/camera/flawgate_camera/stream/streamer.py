"""Keeps one camera's stream up: connects, hands over to a session, and begins anew when that ends."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import grpc
import structlog

from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.stream.connecting import metadata, open_channel, why_ended
from flawgate_camera.stream.facts import OnResult, OnState, Outcome, StreamState, Timing, Who
from flawgate_camera.stream.session import Session
from flawgate_camera.stream.waiting import BackOff, is_lasting
from flawgate_contracts.context import new_context
from flawgate_contracts.errors import FlawgateError, Unavailable
from flawgate_contracts.tracing import Served

log = structlog.get_logger(__name__)

ABANDONED_S = 1.0
"""To say what was abandoned, once the grace of `finish` is over."""

_CONNECTED = "connected"
_DETAIL = "detail"
_LOST = "Internal error from Core"
"""grpc.aio says so where a call ends in the midst of a write; what the other side said is lost with it."""


def _untold(_state: StreamState) -> None:
    """Nobody is told."""


class Streamer:
    """One camera's stream.

    Attributes:
        state: how it fares.
    """

    def __init__(
        self,
        who: Who,
        gateway: Gateway,
        delivery: Delivery,
        *,
        on_result: OnResult,
        on_state: OnState = _untold,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A stream that is not opened yet.

        Args:
            who: whose frames they are.
            gateway: where they go.
            delivery: gives them.
            on_result: told of each answer, in order, within the event loop; must neither raise nor take long.
            on_state: told of each change of `state`, within the event loop.
            timing: its times.
            clock: what frames' `acquired` was read from.
        """
        self.state = StreamState()
        self._who, self._gateway, self._delivery = who, gateway, delivery
        self._on_result, self._on_state, self._clock = on_result, on_state, clock
        self._timing = timing or Timing()
        self._back_off = BackOff(self._timing, random.Random())  # noqa: S311  # chance, not secrecy
        self._fruitless = False
        """Whether the last greeted session got no answer: then the log says nothing until one comes."""
        self._logged: str | None = None
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keep the stream up until `finish`, or until cancelled."""
        self._running = asyncio.ensure_future(self._keep_up())
        try:
            await asyncio.wait([self._running])
        finally:
            await self._end()
        if not self._running.cancelled():
            self._running.result()

    async def finish(self, grace_s: float) -> None:
        """Send what is left, then end `run`. The delivery was stopped before.

        Args:
            grace_s: longest time for that, in seconds. What is not sent then stays on disk, or is dropped as STOPPED.
        """
        for left_s in (grace_s, ABANDONED_S):
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._delivery.drained()
                break
            self._delivery.abandon()
        await self._end()

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _keep_up(self) -> None:
        try:
            while True:
                error = await self._session()
                self._interrupted(error)
                await asyncio.sleep(self._back_off.wait_s(error))
        finally:
            self._change(StreamState())

    async def _session(self) -> FlawgateError:
        """Connect once, and stay as long as it lasts; gives why it ended."""
        channel: grpc.aio.Channel | None = None
        try:
            shown = metadata(self._gateway)
            channel = open_channel(self._gateway, self._timing.keepalive_s)
            await self._carry_on(channel, shown)
        except grpc.aio.AioRpcError as err:
            return _error(err, self._gateway)
        except FlawgateError as err:
            return err
        finally:
            if channel is not None:
                await channel.close()
        return Unavailable("The gateway ended the stream; connecting anew.")

    async def _carry_on(self, channel: grpc.aio.Channel, shown: tuple[tuple[str, str], ...]) -> None:
        stub = inspection_pb2_grpc.InspectionServiceStub(channel)
        with ExitStack() as ending:
            # Of the call only: each frame has a trace of its own, which is linked to this one.
            with Served(new_context({}), "hello", kind="client") as hello:
                call = stub.InspectStream(metadata=(*shown, *hello.context.metadata().items()))
                ending.callback(call.cancel)
                session = Session(
                    call, self._who, self._delivery, timing=self._timing, on_result=self._answered, clock=self._clock
                )
                await session.greet()
                self._change(StreamState(connected=True))
                if not self._fruitless:
                    self._log_connected()
            self._fruitless = True
            await session.run()

    def _answered(self, outcome: Outcome) -> None:
        self._fruitless = False
        self._back_off.succeeded()
        self._log_connected()
        self._on_result(outcome)

    def _interrupted(self, error: FlawgateError) -> None:
        """Tell of it; the log says it once, and not at each try."""
        self._change(StreamState(reason=error.reason, message=error.message))
        if self._logged == error.reason:
            return
        self._logged = error.reason
        say = log.error if is_lasting(error) else log.warning
        detail = error.metadata.get(_DETAIL)
        say("stream_interrupted", camera=self._who.camera, reason=error.reason, why=error.message, detail=detail)

    def _log_connected(self) -> None:
        if self._logged != _CONNECTED:
            self._logged = _CONNECTED
            log.info("stream_connected", camera=self._who.camera, station=self._who.station)

    def _change(self, state: StreamState) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)


def _error(raised: grpc.aio.AioRpcError, gateway: Gateway) -> FlawgateError:
    """What a call ended with; with what the network itself says, for the log."""
    detail = raised.details()
    if detail == _LOST:
        return Unavailable("The stream ended while a frame was being sent; connecting anew.")
    error = why_ended(raised, gateway)
    if detail and not error.message.startswith(detail.rstrip(".")):
        error.metadata[_DETAIL] = detail
    return error
