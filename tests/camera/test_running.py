import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from support.camera_parts import (
    MemoryObserver,
    ScriptedSource,
    Step,
    UnopenableSource,
    camera_table,
    noise,
    take_all,
)
from support.streamed import until

from flawgate_camera.config.cameras import Camera
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.frames import CapturedFrame, DropCause, Gap
from flawgate_camera.health import Standing
from flawgate_camera.running import MAX_HUNG, STOPPED_WITHIN_S, Parts, RunningCamera, Service
from flawgate_camera.sources.base import Cause, Source, SourceFailed
from flawgate_camera.triggers.rate import NthTrigger
from flawgate_contracts.errors import DiskFull
from flawgate_contracts.startup import StartupError

pytestmark = pytest.mark.timeout(60)


class Plant:
    """One camera with scripted sources and a gateway that answers at once, or never."""

    def __init__(self, *sources: Source, answers: bool = True, grace_s: float = 5) -> None:
        self.observer = MemoryObserver()
        self.items: list[CapturedFrame | Gap] = []
        self.delivery = EveryDelivery(50, on_drop=self.observer.dropped)
        self.services: list[Service] = []
        if answers:
            self.services.append(Service(Cause.GATEWAY, lambda: take_all(self.delivery, self.items)))
        self.refusals: list[Exception] = []
        self.stopping = 0
        self._sources = iter(sources)
        self.camera = RunningCamera(camera_table(), self._build, self.observer, grace_s)

    def _build(self, camera: Camera, standing: Standing) -> Parts:
        if self.refusals:
            raise self.refusals.pop(0)
        return Parts(
            create_source=lambda: next(self._sources),
            trigger=NthTrigger(1),
            delivery=self.delivery,
            services=tuple(self.services),
            stopping=self._note_stop,
            finish=self._finish,
        )

    def _note_stop(self) -> None:
        self.stopping += 1

    async def _finish(self, grace_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.delivery.drained(), grace_s)
        self.delivery.abandon()


@asynccontextmanager
async def running(plant: Plant) -> AsyncIterator[asyncio.Task[None]]:
    """Run the camera; stop it at the end of the block."""
    task = asyncio.create_task(plant.camera.run())
    try:
        yield task
    finally:
        plant.camera.stop()
        await asyncio.wait_for(task, 20)


async def test_a_source_that_ends_ends_the_camera() -> None:
    """All frames are answered, everything is closed, and the camera's run is over by itself."""
    source = ScriptedSource([noise(1), noise(2)])
    plant = Plant(source)
    await asyncio.wait_for(plant.camera.run(), 20)
    assert [item.sequence for item in plant.items if isinstance(item, CapturedFrame)] == [1, 2]
    assert (source.closed, plant.observer.closed, plant.stopping) == (1, True, 1)


def endless() -> Iterable[Step]:
    """Pictures without end, a hundred a second."""
    number = 0
    while True:
        number += 1
        time.sleep(0.01)
        yield noise(number)


async def test_stopping_waits_for_answers() -> None:
    """What was taken before the stop is answered; nothing is dropped, and nothing more is taken."""
    plant = Plant(ScriptedSource(endless()))
    async with running(plant):
        await until(lambda: plant.observer.frames >= 3)
    assert len(plant.items) == plant.observer.frames
    assert plant.observer.drops == {}


async def test_stopping_does_not_wait_for_ever() -> None:
    """Frames that nobody answers within the grace are dropped and counted: also the one that waited for room."""
    plant = Plant(ScriptedSource(endless()), answers=False, grace_s=0.1)
    async with running(plant):
        await until(lambda: plant.observer.frames == 51)
    assert plant.observer.drops == {DropCause.STOPPED: 51}


async def test_a_hung_driver_is_left_behind() -> None:
    """A source that never comes back is told as hung, and another one takes its place."""
    hangs = threading.Event()
    plant = Plant(ScriptedSource([noise(1), hangs]), ScriptedSource([noise(2)]))
    await asyncio.wait_for(plant.camera.run(), 30)
    hangs.set()
    assert (plant.observer.frames, plant.observer.failures) == (2, [Cause.HUNG])
    assert plant.observer.changes == ["up", "down", "up"]


async def test_stopping_leaves_a_hung_driver_behind() -> None:
    """A camera whose driver hangs can be stopped; what the driver gives after that goes nowhere."""
    hangs = threading.Event()
    source = ScriptedSource([noise(1), hangs, noise(2)])
    source.read_within_s = 60
    plant = Plant(source)
    async with running(plant):
        await until(lambda: plant.observer.frames == 1)
    hangs.set()
    await asyncio.sleep(0.2)
    assert plant.observer.frames == 1
    assert [item.sequence for item in plant.items if isinstance(item, CapturedFrame)] == [1]


async def test_many_hung_drivers_are_left_behind_at_once() -> None:
    """Stopping cameras do not wait for each other, though the event loop has few threads."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    hangs = threading.Event()
    sources = [ScriptedSource([hangs]) for _ in range(4)]
    for source in sources:
        source.read_within_s = 60
    plants = [Plant(source) for source in sources]
    async with AsyncExitStack() as stack:
        for plant in plants:
            await stack.enter_async_context(running(plant))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        for plant in plants:
            plant.camera.stop()
    hangs.set()
    assert time.monotonic() - began < 2 * 3 * STOPPED_WITHIN_S


async def test_hung_threads_are_bounded() -> None:
    """A driver that always hangs costs a few threads and no more; as soon as they come back, the camera goes on."""
    hangs = threading.Event()
    hanging = [ScriptedSource([hangs]) for _ in range(MAX_HUNG)]
    plant = Plant(*hanging, ScriptedSource(endless()))
    async with running(plant):
        await until(lambda: len(plant.observer.failures) == MAX_HUNG)
        await asyncio.sleep(1.5)
        assert [source.opened for source in hanging] == [1] * MAX_HUNG
        assert plant.observer.frames == 0
        hangs.set()
        await until(lambda: plant.observer.frames > 0)


async def test_parts_that_cannot_be_made_are_tried_again() -> None:
    """A full disk, or a bug of ours, is a camera that is down with that cause, until it can be made."""
    plant = Plant(ScriptedSource([noise(1)]))
    plant.refusals = [DiskFull("The disk is full."), StartupError("The spool is in use."), ZeroDivisionError()]
    await asyncio.wait_for(plant.camera.run(), 30)
    assert (plant.observer.failures, plant.observer.frames) == ([Cause.SETUP] * 3, 1)


class FailingService:
    """Fails so many times, then runs."""

    def __init__(self, failures: list[Exception]) -> None:
        self._failures = failures

    async def run(self) -> None:
        """See the class."""
        if self._failures:
            raise self._failures.pop(0)
        await asyncio.Event().wait()


@pytest.mark.parametrize("failure", [StartupError("The port is taken."), ZeroDivisionError()])
async def test_a_part_that_fails_holds_the_camera_down(failure: Exception) -> None:
    """While its trigger cannot run the camera is down, though pictures come; when it runs, it is up."""
    plant = Plant(ScriptedSource(endless()))
    plant.services.append(Service(Cause.TRIGGER, FailingService([failure]).run))
    async with running(plant):
        await until(lambda: plant.observer.frames > 10)
        assert (plant.camera.state.up, plant.camera.state.cause) == (False, Cause.TRIGGER)
        await until(lambda: plant.camera.state.up)
    assert plant.observer.failures == [Cause.TRIGGER]


async def test_a_part_that_ends_its_work_holds_nothing_down() -> None:
    """One that failed and then is done at once, as the sending of an old spool, leaves the camera up."""
    failures: list[Exception] = [StartupError("The spool is in use.")]

    async def send() -> None:
        if failures:
            raise failures.pop()

    plant = Plant(ScriptedSource(endless()))
    plant.services.append(Service(Cause.TRIGGER, send))
    async with running(plant):
        await until(lambda: plant.camera.state.cause is Cause.TRIGGER)
        await until(lambda: plant.camera.state.up)
    assert plant.observer.failures == [Cause.TRIGGER]


async def test_a_camera_that_was_never_there_can_be_stopped() -> None:
    """Stopping does not wait for the next try."""
    plant = Plant(UnopenableSource(SourceFailed(Cause.UNREACHABLE, "Nothing answers.")))
    began = time.monotonic()
    async with running(plant):
        await until(lambda: bool(plant.observer.failures))
    assert time.monotonic() - began < 5
