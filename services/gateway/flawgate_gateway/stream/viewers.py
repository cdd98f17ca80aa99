"""Those who watch stations: how many there are, when they look, and when they go."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from flawgate_contracts.errors import Overloaded, Unavailable


class Viewer:
    """One of them."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.is_over = False
        """Whether the gateway is stopping."""

    def wake(self) -> None:
        """Something may be new."""
        self._changed.set()

    def end(self) -> None:
        """The gateway is stopping."""
        self.is_over = True
        self._changed.set()

    async def changed(self, timeout_s: float) -> None:
        """Wait until something may be new, at most so many seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()


class Viewers:
    """All of a gateway."""

    def __init__(self, max_viewers: int) -> None:
        self._max_viewers = max_viewers
        self._viewers: set[Viewer] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._viewers)

    def wake(self) -> None:
        """Something went on record here."""
        for viewer in self._viewers:
            viewer.wake()

    def end(self) -> None:
        """Let all go, and take no new ones."""
        self._ended = True
        for viewer in self._viewers:
            viewer.end()

    @contextmanager
    def watching(self) -> Iterator[Viewer]:
        """Be one of them while the block runs.

        Raises:
            Overloaded: there are as many as may be.
            Unavailable: the gateway is stopping.
        """
        if self._ended:
            raise Unavailable("The gateway is stopping; open the events again shortly.")
        if len(self._viewers) >= self._max_viewers:
            raise Overloaded(f"{self._max_viewers} viewers watch already, which is all that may; try again shortly.")
        viewer = Viewer()
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
