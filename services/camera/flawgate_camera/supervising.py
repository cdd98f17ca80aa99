"""Many cameras: each runs by itself, and only those are touched whose tables change."""

import asyncio
from collections.abc import Callable

import structlog

from flawgate_camera.config.cameras import Camera, Configuration
from flawgate_camera.health import State
from flawgate_camera.running import RunningCamera
from flawgate_contracts.errors import InternalError

log = structlog.get_logger(__name__)

Start = Callable[[Camera, Configuration], RunningCamera]
"""Makes a camera that does not run yet."""


class Supervisor:
    """Runs the cameras of a configuration, and of the one that follows it."""

    def __init__(self, start: Start) -> None:
        """Without any camera yet.

        Args:
            start: makes a camera.
        """
        self._start = start
        self._running: dict[str, tuple[object, RunningCamera, asyncio.Task[bool]]] = {}
        self._changing = asyncio.Lock()

    def states(self) -> dict[str, State]:
        """How each camera stands."""
        return {name: camera.state for name, (_, camera, _) in self._running.items()}

    async def apply(self, configuration: Configuration) -> None:
        """Run these cameras and no others; one whose tables are as before goes on untouched."""
        async with self._changing:
            await self._apply(configuration)

    async def _apply(self, configuration: Configuration) -> None:
        wanted = {camera.name: (camera, _what_matters(camera, configuration)) for camera in configuration.cameras}
        gone = [name for name, (facts, _, _) in self._running.items() if name not in wanted or wanted[name][1] != facts]
        await asyncio.gather(*(self._stop(name) for name in gone))
        for name, (camera, facts) in wanted.items():
            if name not in self._running:
                running = self._start(camera, configuration)
                self._running[name] = (facts, running, asyncio.create_task(self._run(name, running)))
        log.info("cameras", running=sorted(self._running), stopped=sorted(set(gone) - wanted.keys()))

    async def ended(self) -> None:
        """Wait until every camera's source has ended and its frames are answered; cameras may be added meanwhile.

        Raises:
            InternalError: a camera ended by a bug: whatever starts the agent shall know that it is not done.
        """
        while True:
            if tasks := [task for _, _, task in self._running.values()]:
                await asyncio.wait(tasks)
            async with self._changing:
                tasks = [task for _, _, task in self._running.values()]
                if all(task.done() for task in tasks):
                    break
        if not all(task.result() for task in tasks):
            raise InternalError("A camera ended by a bug in the agent; the log has its traceback.")

    async def stop(self) -> None:
        """Stop all of them at once."""
        await asyncio.gather(*(self._stop(name) for name in list(self._running)))

    async def _stop(self, name: str) -> None:
        _, camera, task = self._running[name]
        camera.stop()
        await asyncio.wait({task})
        del self._running[name]

    @staticmethod
    async def _run(name: str, camera: RunningCamera) -> bool:
        """Whether it came to its end without a bug."""
        try:
            await camera.run()
        except Exception:
            log.exception("a camera ended by a bug; the others go on", camera=name)
            return False
        return True


def _what_matters(camera: Camera, configuration: Configuration) -> object:
    """What a camera must be started anew for."""
    return (camera, configuration.gateway, configuration.standalone, configuration.agent.data_dir)
