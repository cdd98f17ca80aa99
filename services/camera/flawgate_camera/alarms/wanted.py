"""The state that an output is to show: the last one wins, whatever came in between."""

import asyncio

from flawgate_camera.alarms.facts import Signal


class Wanted:
    """Set by the alarm, read by the one task that moves its output; within one event loop."""

    def __init__(self) -> None:
        self._current: Signal | None = None
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def current(self) -> Signal | None:
        """What is to be shown; None before the first look."""
        return self._current

    def want(self, signal: Signal) -> None:
        """Show this from now on."""
        self._current = signal
        self._settled.clear()
        self._changed.set()

    async def other_than(self, shown: Signal | None) -> Signal:
        """Wait until something else than `shown` is wanted, and say what."""
        while self._current is None or self._current is shown:
            self._changed.clear()
            await self._changed.wait()
        return self._current

    def settle(self, signal: Signal) -> None:
        """It is shown, or was given up."""
        if signal is self._current:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until what is wanted is shown, or was given up."""
        await self._settled.wait()
