"""A changed configuration: at SIGHUP, or as soon as the file changes."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import structlog

from flawgate_camera.config.cameras import Configuration
from flawgate_camera.config.loading import load
from flawgate_contracts.errors import InvalidParameter

log = structlog.get_logger(__name__)

Read = Callable[[Path], Configuration]

LOOK_S = 1.0
"""Between two looks at the file."""


async def follow(
    path: Path,
    current: Configuration,
    apply: Callable[[Configuration], Awaitable[None]],
    *,
    read: Read = load,
    look_s: float = LOOK_S,
) -> None:
    """Apply each new version of the file, until cancelled; a version with a fault is told and changes nothing.

    Args:
        path: the file.
        current: what is applied already.
        apply: puts a configuration into force.
        read: reads the file.
        look_s: between two looks at the file, in seconds.
    """
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = _version(path)
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), look_s)
        if not asked.is_set() and _version(path) == seen:
            continue
        asked.clear()
        seen = _version(path)
        current = await _apply_new(path, current, apply, read)


async def _apply_new(
    path: Path, current: Configuration, apply: Callable[[Configuration], Awaitable[None]], read: Read
) -> Configuration:
    """What is in force afterwards."""
    try:
        new = await asyncio.to_thread(read, path)
    except InvalidParameter as err:
        log.warning("configuration refused; the one before goes on", message=err.message)
        return current
    if new.agent != current.agent:
        log.warning("the table [agent] has changed: that takes effect when the agent is started again")
        new = new.model_copy(update={"agent": current.agent})
    await apply(new)
    return new


def _version(path: Path) -> tuple[int, int, int] | None:
    """What changes with the file; None while it is not there, as for a moment when an editor replaces it."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
