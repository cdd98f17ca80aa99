"""The agent: all cameras of one configuration, until SIGTERM or until all their sources have ended."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from flawgate_camera.config.cameras import Configuration
from flawgate_camera.config.loading import load
from flawgate_camera.reloading import Read, follow
from flawgate_camera.standalone.opening import Bench
from flawgate_camera.supervising import Supervisor
from flawgate_camera.wiring import Wiring
from flawgate_contracts.metrics.camera import CameraMetrics
from flawgate_contracts.serving import metrics_server, stop_signal

log = structlog.get_logger(__name__)


async def serve(path: Path, configuration: Configuration, read: Read = load) -> None:
    """Run the cameras of a configuration, and of each version of its file that follows.

    Args:
        path: the file.
        configuration: what stands there now.
        read: reads the file again when it changes.

    Raises:
        StartupError: the port of the metrics is taken.
    """
    registry = CollectorRegistry()
    agent = configuration.agent
    with metrics_server(agent.metrics_host, agent.metrics_port, registry, "camera") as port:
        log.info("metrics", host=agent.metrics_host, port=port)
        wiring = Wiring(CameraMetrics(registry), Bench(asyncio.get_running_loop()))
        supervisor = Supervisor(wiring.camera)
        try:
            await supervisor.apply(configuration)
            await _until_over(supervisor, follow(path, configuration, supervisor.apply, read=read))
        finally:
            log.info("stopping")
            await supervisor.stop()


async def _until_over(supervisor: Supervisor, following: Coroutine[None, None, None]) -> None:
    works = (stop_signal(), supervisor.ended(), following)
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
