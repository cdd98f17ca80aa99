"""Transactions of SQLite in threads: the whole of one in one hop, which costs more than most statements do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine

WAIT_S = 5.0
"""Longest wait for a connection, for a lock of SQLite, for PostgreSQL to be reached; seconds."""

T = TypeVar("T")


class Lane:
    """Threads, and as many turns: whoever has a turn finds a thread and a connection free."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Connection]], *, threads: int, name: str) -> None:
        """A lane whose threads start with the first work.

        Args:
            opened: gives a connection in a transaction, which ends with the block.
            threads: works at once, 1 or more.
            name: of the threads.
        """
        self._opened = opened
        self._turns = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, name)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have a turn while the block runs.

        Raises:
            TimeoutError: none came free within `WAIT_S`.
        """
        async with asyncio.timeout(WAIT_S):
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    async def carry_out(self, work: Callable[[Connection], T]) -> T:
        """Do some work in a thread, in a transaction of its own.

        A thread cannot be interrupted. Whoever is cancelled waits for its end as well, so that nothing of the work is
        done after the caller has gone on, and the turn is the thread's for as long as its transaction lasts.

        Raises:
            TimeoutError: no turn came within `WAIT_S`.
        """
        async with self.turn():
            return await _end_of(self._threads.submit(self._transaction, work))

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._opened() as connection:
            return work(connection)

    def close(self) -> None:
        """Wait for work that is under way, and end the threads."""
        self._threads.shutdown()


class Lanes:
    """The two lanes of a database: one writer at a time, which is all that SQLite has, and some readers."""

    def __init__(self, writing: Engine, reading: Engine, *, readers: int) -> None:
        """Lanes over two engines of the same database.

        Args:
            writing: begins transactions that may write.
            reading: begins those that do not.
            readers: reads at once, 1 or more.
        """
        self.engines = (writing, reading)
        # Of its own, the writer's connection finds what it wrote last in its cache: no other changed the file.
        self.writing = Lane(writing.begin, threads=1, name="records-writer")
        self.reading = Lane(reading.connect, threads=readers, name="records-reader")

    async def close(self) -> None:
        """Let go of all connections, after what is under way."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for lane in (self.writing, self.reading):
            lane.close()
        for engine in self.engines:
            engine.dispose()


async def _end_of(work: Future[T]) -> T:
    """What comes of work in a thread; a cancellation waits for it."""
    ended, cancelled = asyncio.wrap_future(work), None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        ended.exception()  # nobody else asks for it
        raise cancelled
    return ended.result()
