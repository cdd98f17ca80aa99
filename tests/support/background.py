"""An event loop of its own thread, for what asyncio serves beside a test that is none of asyncio's."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

ANSWER_S = 30.0


class Background:
    """The loop, and what runs there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._stack = AsyncExitStack()
        self._spawned: list[Future[None]] = []

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a block that ends with the loop; gives what it gives."""
        return asyncio.run_coroutine_threadsafe(self._stack.enter_async_context(manager), self._loop).result(ANSWER_S)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something run beside all else; it must end by itself before the loop does."""
        self._spawned.append(asyncio.run_coroutine_threadsafe(work, self._loop))

    def call(self, work: Callable[[], object]) -> None:
        """Do something in the loop's thread, soon."""
        self._loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """End all blocks, the last one first, once what was spawned has ended."""
        for work in self._spawned:
            work.result(ANSWER_S)
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result(ANSWER_S)


@contextmanager
def background() -> Iterator[Background]:
    """A loop that runs for the length of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = Background(loop)
    try:
        yield running
    finally:
        running.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ANSWER_S)
        loop.close()
