"""One camera: its capture thread watched, its parts kept running, and all of it stopped in order."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from flawgate_camera.backoff import BackOff
from flawgate_camera.capturing import FIRST_WAIT_S, Capture, Decide
from flawgate_camera.config.cameras import Camera
from flawgate_camera.delivery.base import Delivery, Policy
from flawgate_camera.health import Standing, State
from flawgate_camera.ports import CameraObserver
from flawgate_camera.sources.base import Cause, Source
from flawgate_camera.triggers.base import TriggerSource
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.startup import StartupError

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Between two looks at the capture thread and the delivery."""

STEP_S = 0.02
"""Between two looks at a thread that is to end."""

MAX_HUNG = 3
"""Threads of one camera that hang in a driver at once; no further one is begun, so that memory stays bounded."""

STOPPED_WITHIN_S = 2.0
"""For a source to come back from its last read, and for what is on its way from a spool to be answered."""


@dataclass(frozen=True, slots=True)
class Service:
    """Something of a camera that runs in the event loop until cancelled."""

    cause: Cause
    """Why the camera is down while it cannot run."""
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a camera is made of.

    Attributes:
        create_source: a new one for each capture thread.
        trigger: which pictures are inspected.
        delivery: takes the frames over.
        services: run as long as the camera does: its stream, its alarms, a trigger of the network.
        stopping: told that no further picture will be taken.
        finish: sends what is left, for so many seconds at most; the delivery was stopped before.
        decide: for an agent that judges frames itself.
    """

    create_source: Callable[[], Source]
    trigger: TriggerSource
    delivery: Delivery
    services: tuple[Service, ...]
    stopping: Callable[[], None]
    finish: Callable[[float], Awaitable[None]]
    decide: Decide | None = None


Build = Callable[[Camera, Standing], Parts]


class RunningCamera:
    """Runs one camera until it is stopped or its source ends.

    Args:
        camera: its table.
        build: makes its parts; tried again where it raises.
        observer: told how it does.
        grace_s: to send what is held in memory when it stops, in seconds.
    """

    def __init__(self, camera: Camera, build: Build, observer: CameraObserver, grace_s: float) -> None:
        self._camera = camera
        self._build = build
        self._observer = observer
        self._grace_s = grace_s
        self._standing = Standing(camera.name, observer)
        self._stopping = asyncio.Event()
        self._threads: list[threading.Thread] = []

    @property
    def state(self) -> State:
        """How it stands."""
        return self._standing.state

    async def run(self) -> None:
        """Run it; returns after `stop`, or when its source has ended and all its frames are answered."""
        parts = await self._built()
        try:
            if parts is not None:
                await self._run(parts)
        finally:
            self._observer.close()

    def stop(self) -> None:
        """Have `run` come to its end."""
        self._stopping.set()

    async def _built(self) -> Parts | None:
        """Its parts; None where it was stopped before they could be made."""
        backoff = BackOff(FIRST_WAIT_S, self._camera.health.retry_max_s)
        while not self._stopping.is_set():
            try:
                return await asyncio.to_thread(self._build, self._camera, self._standing)
            except (FlawgateError, StartupError) as err:
                self._standing.failed(Cause.SETUP, str(err))
            except Exception:
                log.exception("a camera could not be made", camera=self._camera.name)
                self._standing.failed(Cause.SETUP, "A bug in the agent; the log has its traceback.")
            await self._pause(backoff.after(0))
        return None

    async def _run(self, parts: Parts) -> None:
        services = [asyncio.create_task(self._serve(service)) for service in parts.services]
        try:
            capture = await self._watch(parts)
            await self._drain(parts, capture)
        finally:
            for service in services:
                service.cancel()
            await asyncio.gather(*services, return_exceptions=True)
            await self._close(parts.delivery)

    async def _watch(self, parts: Parts) -> Capture:
        """Keep a capture thread until told to stop, or until the source ends; gives the last one."""
        backoff = BackOff(FIRST_WAIT_S, self._camera.health.retry_max_s)
        capture, began = self._begin(parts), monotonic()
        while not (self._stopping.is_set() or capture.ended):
            self._observer.waits(parts.delivery.facts())
            await self._pause(LOOK_S)
            if capture.hangs() and capture.give_up():
                self._standing.failed(
                    Cause.HUNG, "Its driver did not come back within its time and was given up; check cable and power."
                )
                await self._pause(backoff.after(monotonic() - began))
                await self._room_for_a_thread()
                capture, began = self._begin(parts), monotonic()
        return capture

    def _begin(self, parts: Parts) -> Capture:
        capture = Capture(
            self._camera,
            parts.create_source(),
            parts.trigger,
            parts.delivery,
            standing=self._standing,
            observer=self._observer,
            decide=parts.decide,
        )
        thread = threading.Thread(target=capture.run, name=f"capture-{self._camera.name}", daemon=True)
        self._threads.append(thread)
        thread.start()
        return capture

    async def _room_for_a_thread(self) -> None:
        """Wait while too many threads hang; forget those that came back."""
        while not self._stopping.is_set():
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if len(self._threads) < MAX_HUNG:
                return
            await self._pause(LOOK_S)

    async def _drain(self, parts: Parts, capture: Capture) -> None:
        """Give frames in memory the time of grace to be answered; a spool keeps its own for the next start."""
        delivery = parts.delivery
        if capture.ended and not self._stopping.is_set():
            log.info("source ended", camera=self._camera.name)
            await self._first(delivery.drained(), self._stopping.wait())
        capture.stop()
        parts.stopping()
        # A source in the middle of a read, or one that waits for room in the delivery, comes back after these.
        await _stopped(capture.quiet.is_set)
        delivery.stop()
        await _stopped(capture.quiet.is_set)
        if not capture.quiet.is_set():
            capture.leave()
        await parts.finish(STOPPED_WITHIN_S if delivery.policy is Policy.LOSSLESS else self._grace_s)
        capture.settle()
        await _stopped(lambda: not self._threads[-1].is_alive())

    async def _close(self, delivery: Delivery) -> None:
        facts = delivery.facts()
        await asyncio.to_thread(delivery.close)
        if facts.unsettled and delivery.policy is Policy.LOSSLESS:
            log.info("frames stay in the spool for the next start", camera=self._camera.name, frames=facts.unsettled)

    async def _serve(self, service: Service) -> None:
        """Run a service; after a failure again, later and later. The camera is down meanwhile."""
        backoff = BackOff(FIRST_WAIT_S, self._camera.health.retry_max_s)
        while True:
            began = monotonic()
            try:
                await self._try(service)
            except StartupError as err:
                self._standing.hold(service.cause, str(err))
            except Exception:
                log.exception("a part of a camera failed", camera=self._camera.name, part=service.cause.value)
                self._standing.hold(service.cause, "A bug in the agent; the log has its traceback.")
            else:
                return
            await asyncio.sleep(backoff.after(monotonic() - began))

    async def _try(self, service: Service) -> None:
        task = asyncio.ensure_future(service.run())
        try:
            await asyncio.wait({task}, timeout=FIRST_WAIT_S)
            if not task.done() or task.exception() is None:
                self._standing.release(service.cause)
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not past `stop`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _first(self, *works: Awaitable[object]) -> None:
        """Wait for the first of them, and forget the others."""
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


async def _stopped(over: Callable[[], bool]) -> None:
    """Wait for a thread, but not for long; looks, since the loop has fewer threads than cameras that stop at once."""
    for _ in range(round(STOPPED_WITHIN_S / STEP_S)):
        if over():
            return
        await asyncio.sleep(STEP_S)
