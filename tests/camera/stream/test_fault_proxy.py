import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flawgate_camera.simulate.fault_proxy import FaultProxy, fault_proxy

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[FaultProxy, Connection]]:
    """A proxy before an echo, and a connection through it."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, fault_proxy(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        yield proxy, (reader, writer)
        writer.transport.abort()


async def said(connection: Connection, text: bytes) -> bytes:
    """What comes back of it within a second."""
    reader, writer = connection
    writer.write(text)
    async with asyncio.timeout(1):
        return await reader.read(1000)


async def is_over(reader: asyncio.StreamReader) -> bool:
    """Whether a connection has ended, in whichever way."""
    async with asyncio.timeout(1):
        try:
            return await reader.read(1) == b""
        except ConnectionError:
            return True


async def test_it_passes_bytes_both_ways_with_a_delay() -> None:
    """What goes through comes out, so much later on either way."""
    async with echoing() as (proxy, connection):
        assert await said(connection, b"at once") == b"at once"
        proxy.delay_s = 0.1
        began = asyncio.get_running_loop().time()
        assert await said(connection, b"later") == b"later"
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_it_stands_still_and_goes_on() -> None:
    """While it is stalled nothing comes, and nothing is lost."""
    async with echoing() as (proxy, connection):
        proxy.stall()
        with pytest.raises(TimeoutError):
            await said(connection, b"one")
        proxy.resume()
        assert await said(connection, b"") == b"one"


async def test_it_cuts_and_refuses() -> None:
    """A cut ends what is open; while it refuses, a new connection ends at once."""
    async with echoing() as (proxy, connection):
        await said(connection, b"x")
        proxy.cut()
        assert await is_over(connection[0])
        proxy.refuses = True
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await is_over(reader)
        writer.transport.abort()
        assert proxy.connections == 2
