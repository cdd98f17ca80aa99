"""An alarm that starts a command."""

import asyncio
import os
import signal as signals
from collections.abc import Mapping
from contextlib import suppress

from flawgate_camera.alarms.actions.base import ActionFailed
from flawgate_camera.alarms.facts import Signal
from flawgate_camera.config.alarms import ShellAction


class ShellTelling:
    """Starts a program with its arguments as they stand: no shell reads them, so no part's name can be a command.

    It is started once a change; a second start after a failure might do half of it twice.
    """

    tries = 1

    def __init__(self, config: ShellAction) -> None:
        self._command = config.command
        self._only_on = config.when == "on"
        self.timeout_s = config.timeout_s

    async def tell(self, signal: Signal) -> None:
        """See `Telling`."""
        if self._only_on and not signal.on:
            return
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, **facts(signal)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as err:
            raise ActionFailed(f"{self._command[0]} cannot be started: {err.strerror}.") from None
        await self._ended(process)

    async def close(self) -> None:
        """See `Telling`."""

    async def _ended(self, process: asyncio.subprocess.Process) -> None:
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                _kill(process.pid)
                await process.wait()
        if status:
            raise ActionFailed(f"{self._command[0]} ended with status {status}.")


def facts(signal: Signal) -> Mapping[str, str]:
    """The environment variables that a command gets: `FLAWGATE_` and the name of the fact; empty where none is."""
    told = signal.told()
    result = told.pop("result") or dict.fromkeys(("evaluation", "reason", "sequence", "inspection_id", "part"))
    told["causes"] = " ".join(told["causes"])
    return {f"FLAWGATE_{name.upper()}": "" if value is None else str(value) for name, value in (told | result).items()}


def _kill(session: int) -> None:
    """End a program and all that it started: it leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(session, signals.SIGKILL)
