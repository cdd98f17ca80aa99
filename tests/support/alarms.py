"""What tests of alarms and triggers are made of: tables, a clock that is set, fakes that remember."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from flawgate_camera.alarms.actions.base import Tried
from flawgate_camera.alarms.facts import AlarmCause, Judged, Signal, Source
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config import alarms as config
from flawgate_camera.frames import Picture
from flawgate_camera.triggers.queue import Fate

SOURCE = Source(camera="cam1", station="S4", alarm="lamp")
TICK_S = 0.005


class SetClock:
    """Seconds that stand still until they are set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The moment, in seconds."""
        return self.now

    def passes(self, seconds: float) -> float:
        """So much time goes by; gives the new moment."""
        self.now += seconds
        return self.now


class CountingAlarmObserver:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, bool]] = []
        self.tries: list[tuple[str, bool]] = []

    def alarm(self, alarm: str, *, on: bool) -> None:
        """See `AlarmObserver`."""
        self.changes.append((alarm, on))

    def acted(self, alarm: str, *, done: bool) -> None:
        """See `AlarmObserver`."""
        self.tries.append((alarm, done))


class CountingTriggerObserver:
    """Remembers what became of triggers."""

    def __init__(self) -> None:
        self.fates: list[Fate] = []

    def triggered(self, fate: Fate) -> None:
        """See `TriggerObserver`."""
        self.fates.append(fate)


class Recorder:
    """An action that remembers what it showed, and takes as long as a test says."""

    def __init__(self) -> None:
        self.shown: list[Signal] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        signal: Signal | None = None
        while True:
            signal = await wanted.other_than(signal)
            await self.may_go_on.wait()
            self.shown.append(signal)
            tried(signal, None)
            wanted.settle(signal)

    @property
    def states(self) -> list[tuple[str, tuple[str, ...]]]:
        """All that was shown: state and causes."""
        return [(signal.state, signal.causes) for signal in self.shown]


class Tries:
    """Remembers tries: the state, and why it failed."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str | None]] = []

    def __call__(self, signal: Signal, failure: str | None) -> None:
        """See `Tried`."""
        self.all.append((signal.state, failure))


def an_alarm(**keys: Any) -> config.Alarm:
    """A table, without any time of its own unless a test says so."""
    return config.Alarm.model_validate(
        {"name": "lamp", "silence_s": 0, "lost_after_s": 0, "action": {"kind": "log"}, **keys}
    )


def a_signal(*causes: AlarmCause, last: Judged | None = None) -> Signal:
    """A state; off without causes."""
    return Signal(SOURCE, bool(causes), causes, datetime(2026, 11, 22, 10, 15, 2, 114_000, tzinfo=UTC), last)


def judged(evaluation: str, age_s: float | None = 0.1, **facts: Any) -> Judged:
    """A result."""
    return Judged(evaluation, age_s, **facts)


def picture(acquired: float) -> Picture:
    """A black one, taken at that moment of the monotonic clock."""
    return Picture(np.zeros((4, 4), np.uint8), datetime.now(UTC), acquired)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It runs meanwhile, and is cancelled at the end, as the agent does it."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(done: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            if done():
                return
            await asyncio.sleep(TICK_S)
