"""A TCP proxy with faults: it refuses, cuts, stands still and delays, as networks do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

LOOPBACK = "127.0.0.1"
_CHUNK_BYTES = 65_536


class FaultProxy:
    """Passes bytes between its own port and a target, as long as it is told nothing else.

    Attributes:
        port: its own, once it listens.
        delay_s: each chunk of bytes is passed on so much later, in seconds.
        refuses: new connections are ended at once.
        connections: so many were ever opened to it.
    """

    def __init__(self, host: str, port: int) -> None:
        """A proxy that does not listen yet.

        Args:
            host: of the target.
            port: of the target; may be changed while it runs.
        """
        self.port = 0
        self.delay_s = 0.0
        self.refuses = False
        self.connections = 0
        self.target = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Cut all, and listen no longer."""
        if self._server is not None:
            self._server.close()
            self.resume()
            self.cut()
            # Each ends by itself now; asyncio would log those that are cancelled with the loop as errors.
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection at once, as a router that restarts does."""
        for writer in list(self._open):
            writer.transport.abort()

    def stall(self) -> None:
        """Pass nothing on until `resume`, and end nothing: a cable is out, and nobody has noticed."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on again."""
        self._flows.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            if not self.refuses:
                await self._connect(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            self._open.add(far_writer)
            ways = [
                asyncio.ensure_future(self._pass_on(reader, far_writer)),
                asyncio.ensure_future(self._pass_on(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                self._open.discard(far_writer)
                far_writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._flows.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def fault_proxy(target: str) -> AsyncIterator[FaultProxy]:
    """A proxy for the length of the block.

    Args:
        target: `host:port`.
    """
    host, _, port = target.rpartition(":")
    proxy = FaultProxy(host, int(port))
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
