"""Threads wake a coroutine."""

import asyncio
from contextlib import suppress


class Bell:
    """Rung by any thread, heard by one coroutine.

    Whoever listens calls `arm`, then looks whether there is something to do, and only then waits for `rung`: what
    comes between the look and the wait is not missed.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def arm(self) -> None:
        """Listen from now on, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._event.clear()

    async def rung(self) -> None:
        """Wait until it rings."""
        await self._event.wait()

    def ring(self) -> None:
        """Wake whoever listens."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # that loop has ended, and nobody listens
                loop.call_soon_threadsafe(self._event.set)
