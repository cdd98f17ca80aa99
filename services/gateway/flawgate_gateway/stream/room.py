"""Memory for the frames of all streams, and turns for their inspection: what bounds them all together."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

from flawgate_contracts.errors import DeadlineExceeded


class Room:
    """Bytes of frames that are held. Who wants to read one more waits while there is no room.

    How long a message is shows only when it was read: beyond the bound, each stream may hold one frame.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._free = asyncio.Event()
        self._free.set()

    @property
    def held_bytes(self) -> int:
        """Held now."""
        return self._held

    async def free(self) -> None:
        """Wait until there is room."""
        await self._free.wait()

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """So many bytes are held while the block runs."""
        self._add(size)
        try:
            yield
        finally:
            self._add(-size)

    def _add(self, size: int) -> None:
        self._held += size
        if self._held < self._max_bytes:
            self._free.set()
        else:
            self._free.clear()


class Turns:
    """Frames of one recipe, of whichever streams, that are inspected or wait for it at once.

    A stream can wait, and a request cannot: so streams leave room in the queue before the services to requests.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._recipes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, recipe: str) -> asyncio.Semaphore:
        """Those of a recipe; forgotten with the last stream that keeps them."""
        turns = self._recipes.get(recipe)
        if turns is None:
            turns = self._recipes[recipe] = asyncio.Semaphore(self._at_once)
        return turns


@asynccontextmanager
async def having(turns: asyncio.Semaphore, *, within_s: float | None) -> AsyncIterator[None]:
    """Have a turn while the block runs.

    Raises:
        DeadlineExceeded: none came within so many seconds.
    """
    try:
        async with asyncio.timeout(within_s):
            await turns.acquire()
    except TimeoutError as err:
        raise DeadlineExceeded("The frame's time was over before its turn came; send fewer frames at once.") from err
    try:
        yield
    finally:
        turns.release()
