"""A receiver of webhooks on a real socket, which behaves as a test says."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

HANG_UP = 0
"""Instead of a status: the connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What came."""

    headers: dict[str, str]
    """Lower-case names."""
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The CloudEvent."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def part(self) -> str:
        """The subject: tests number parts."""
        return str(self.event["subject"])


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0


class WebhookReceiver:
    """Takes events, and keeps those that it answered with 2xx."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.replies: list[Reply] = []
        """For the next requests, one each; then `reply` decides."""
        self.reply: Callable[[Request], Reply] = lambda _: Reply()
        self.at_once = 0
        """Requests that were being answered at the same time, at most."""
        self._now = 0

    async def until(self, done: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait until requests have come such that something holds."""
        await until(done, timeout_s)

    def parts(self) -> list[str]:
        """The parts whose events were taken, in the order in which they came."""
        return [request.part for request in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(request)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        reply = self.replies.pop(0) if self.replies else self.reply(request)
        try:
            await asyncio.sleep(reply.delay_s)
        finally:
            self._now -= 1
        if reply.status != HANG_UP:
            writer.write(_encoded(reply))
            await writer.drain()
        if 200 <= reply.status < 300:
            self.taken.append(request)
        return reply.status != HANG_UP


async def until(done: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            if done():
                return
            await asyncio.sleep(0.01)


def verified(request: Request, secret: str = SECRET) -> Any:
    """The event, by the word of the library that receivers use.

    Raises:
        WebhookVerificationError: the signature is not good.
    """
    return Webhook(secret).verify(request.body, request.headers)


@asynccontextmanager
async def webhook_receiver(port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[WebhookReceiver]:
    """A receiver on a port of loopback; 0: a free one."""
    receiver = WebhookReceiver()
    handlers: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.ensure_future(receiver.serve(reader, writer))
        handlers.add(handler)
        handler.add_done_callback(handlers.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}/events"
    try:
        yield receiver
    finally:
        server.close()
        for handler in list(handlers):
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def _encoded(reply: Reply) -> bytes:
    headers = {"content-length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
