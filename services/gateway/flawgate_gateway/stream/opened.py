"""The streams that are open at this gateway: how many, which, and how they are told to end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flawgate_contracts.errors import Conflict, FlawgateError, Overloaded, Unavailable
from flawgate_gateway.stream.observer import StreamObserver

STOPPING = "The gateway is stopping; open the stream again, and send on from the first number without an answer."


class Place:
    """An open stream, as others reach it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[FlawgateError] = loop.create_future()
        """Resolved when it is to read no more, answer what it has begun, and end."""
        self.cut: asyncio.Future[FlawgateError] = loop.create_future()
        """Resolved when it is to end at once."""
        self.gone = asyncio.Event()
        """Set when it has ended."""

    def stop(self, error: FlawgateError) -> None:
        """Let it come to an end."""
        if not self.stopped.done():
            self.stopped.set_result(error)

    def end(self, error: FlawgateError) -> None:
        """End it now."""
        if not self.cut.done():
            self.cut.set_result(error)


class OpenStreams:
    """The places of a gateway."""

    def __init__(self, max_streams: int, observer: StreamObserver) -> None:
        self._max_streams = max_streams
        self._observer = observer
        self._places: dict[str, Place] = {}
        self._draining = False

    def __len__(self) -> int:
        return len(self._places)

    def drain(self) -> None:
        """Let all streams come to their end, and take no new ones."""
        self._draining = True
        for place in self._places.values():
            place.stop(Unavailable(STOPPING))

    @asynccontextmanager
    async def entered(self, stream_id: str) -> AsyncIterator[Place]:
        """Have a place while the block runs. The newer connection of a stream ends the older one.

        Raises:
            Overloaded: as many streams are open as may be.
            Unavailable: the gateway is stopping.
        """
        while (older := self._places.get(stream_id)) is not None:
            older.end(Conflict("The stream was opened again by another connection; this one ends, that one goes on."))
            await older.gone.wait()
        if self._draining:
            raise Unavailable(STOPPING)
        if len(self._places) >= self._max_streams:
            raise Overloaded(f"{self._max_streams} streams are open, which is all that may be; try again shortly.")
        place = self._places[stream_id] = Place()
        self._observer.opened()
        try:
            yield place
        finally:
            del self._places[stream_id]
            self._observer.closed()
            place.gone.set()
