import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from support.gateway_cluster import served

from flawgate_gateway.rest.stations import EventStream

WAIT_S = 10.0


async def endless(ended: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """Events as fast as they are taken."""
    try:
        while True:
            yield b"data: " + bytes(64 * 1024) + b"\n\n"
    finally:
        ended.set()


async def test_a_viewer_who_does_not_read_is_cut_off() -> None:
    """The connection is reset, what it was made of is let go of, and the server stops without waiting for it."""
    app, ended = FastAPI(), asyncio.Event()

    @app.get("/events")
    async def events(request: Request) -> EventStream:
        return EventStream(b":\n\n", endless(ended), 0.2, request.scope["state"]["hang_up"])

    async with asyncio.timeout(WAIT_S):
        async with served(app, grace_s=WAIT_S) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port, limit=1024)
            writer.write(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n")
            await writer.drain()
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads, too
            await ended.wait()
        writer.transport.abort()
        assert not reader.at_eof()
