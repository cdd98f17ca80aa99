"""The alarms of one camera: told of each result, they watch the clock, the camera and the gateway by themselves."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from time import monotonic
from typing import Any

import structlog

from flawgate_camera.alarms.actions.base import Action
from flawgate_camera.alarms.actions.creating import create_action
from flawgate_camera.alarms.facts import AlarmCause, AlarmObserver, Judged, Signal, Source
from flawgate_camera.alarms.resetting import Listening, create_listening, keep_listening
from flawgate_camera.alarms.rule import Rule
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config.alarms import Action as ActionTable
from flawgate_camera.config.alarms import Alarm, Reset

log = structlog.get_logger(__name__)

LOOK_S = 0.1
"""Between two looks at the clock, the camera and the gateway."""
STOPPED_WITHIN_S = 2.0
"""For actions to show that the agent stops."""
AGAIN_S = 1.0
"""Before something that failed by a bug is begun again."""

Lost = Callable[[], Collection[AlarmCause]]


class Output:
    """One alarm: its rule, the state that follows from it, and the action that shows it.

    Args:
        source: whose it is.
        alarm: its table.
        action: shows the state.
        observer: told of changes and tries.
        clock: seconds, monotonic.
    """

    def __init__(
        self, source: Source, alarm: Alarm, action: Action, observer: AlarmObserver, clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._hold_s = alarm.hold_s
        self._action = action
        self._observer = observer
        self._clock = clock
        self._changed_at = clock()
        self._told = ""
        self.rule = Rule(alarm, clock())
        self.wanted = Wanted()

    def look(self, lost: Collection[AlarmCause]) -> None:
        """Find the state of this moment; only a change is told."""
        now, before = self._clock(), self.wanted.current
        causes = self.rule.look(lost, now)
        held = before is not None and before.on and now - self._changed_at < self._hold_s
        if before is not None and (before.on == bool(causes) or held):
            return
        self._changed_at = now
        self._observer.alarm(self._source.alarm, on=bool(causes))
        self.wanted.want(Signal.now(self._source, causes, self.rule.last))

    async def run(self) -> None:
        """Show what is wanted until cancelled."""
        await self._action.run(self.wanted, self._tried)

    def _tried(self, signal: Signal, failure: str | None) -> None:
        self._observer.acted(self._source.alarm, done=failure is None)
        facts: dict[str, Any] = {"camera": self._source.camera, "alarm": self._source.alarm, "state": signal.state}
        facts["causes"] = [str(cause) for cause in signal.causes]
        if failure is None:
            log.info("alarm shown", **facts)
        else:
            log.warning("alarm could not be shown", **facts, message=failure)


class Alarms:
    """All alarms of one camera. Everything is called in the event loop.

    Args:
        camera: its name.
        station: where it is.
        alarms: their tables.
        lost: what is missing now: CAMERA_DOWN without usable pictures, GATEWAY_LOST where nobody judges them, neither
            the gateway nor the agent itself. Called often; must not block.
        observer: told of changes and tries.
        create: makes the actions.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        camera: str,
        station: str,
        alarms: Sequence[Alarm],
        *,
        lost: Lost,
        observer: AlarmObserver,
        create: Callable[[ActionTable, Source], Action] = create_action,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._camera = camera
        self._lost = lost
        self._clock = clock
        self._outputs: list[Output] = []
        self._resets: dict[Reset, list[Output]] = {}
        for alarm in alarms:
            source = Source(camera=camera, station=station, alarm=alarm.name)
            output = Output(source, alarm, create(alarm.action, source), observer, clock)
            self._outputs.append(output)
            self._resets.setdefault(alarm.reset, []).append(output)

    def judged(self, judged: Judged) -> None:
        """A frame has its result."""
        for output in self._outputs:
            output.rule.judge(judged, self._clock())
        self._look()

    def stop(self) -> None:
        """On from now on: the camera takes no further pictures."""
        for output in self._outputs:
            output.rule.stop()
        self._look()

    def reset(self, reset: Reset | None = None) -> None:
        """By hand: end what is over, of the alarms that are reset this way; of all where None."""
        for output in self._outputs if reset is None else self._resets[reset]:
            output.rule.reset()
        self._look()

    async def run(self) -> None:
        """Watch, and move the outputs, until cancelled; then all are on, for whoever passes parts on."""
        works = [*(output.run for output in self._outputs), *self._listening()]
        tasks = [asyncio.create_task(self._keep(work)) for work in works]
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            self.stop()
            await self._settle()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self) -> None:
        lost = self._lost()
        for output in self._outputs:
            output.look(lost)

    def _listening(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """One for each button or topic, however many alarms share it."""
        found = ((create_listening(reset), reset) for reset in self._resets)
        return [self._listener(listening, reset) for listening, reset in found if listening is not None]

    def _listener(self, listening: Listening, reset: Reset) -> Callable[[], Coroutine[Any, Any, None]]:
        return lambda: keep_listening(listening, lambda: self.reset(reset), self._camera)

    async def _keep(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it, and again after a bug of ours: one alarm must not take the others along."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("a part of an alarm failed", camera=self._camera)
            await asyncio.sleep(AGAIN_S)

    async def _settle(self) -> None:
        """Give the outputs a moment to show that the camera stops."""
        try:
            async with asyncio.timeout(STOPPED_WITHIN_S):
                await asyncio.gather(*(output.wanted.settled() for output in self._outputs))
        except TimeoutError:
            log.warning("not every alarm could show that the camera stops", camera=self._camera)
