"""Bounds on the bodies of requests: how long one may be, and how much of all together is held at once."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flawgate_contracts.errors import BodyTooLarge, Overloaded

DISCARD_FACTOR = 16
"""So many times the limit is read and thrown away, so that a caller still sending gets to read the answer."""
DISCARD_S = 15.0
"""And for at most so long, in seconds."""


class BodyLimitMiddleware:
    """Stops reading a body that is longer than the limit, or that finds no room beside the others.

    An answer that is ready before the body's end goes out at once. What still comes is then read and thrown away for
    a while before the connection is closed: closed at once, it would take the answer with it.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_buffered_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._room = _Room(max_buffered_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send, self._max_bytes, self._room)
        try:
            await self._app(scope, body.receive, body.send)
        finally:
            body.let_go()


class _Room:
    """Bytes of bodies that are held at once, all requests together."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0

    def take(self, size: int) -> None:
        """Hold `size` bytes more.

        Raises:
            Overloaded: there is no room for them.
        """
        if self._held + size > self._max_bytes:
            raise Overloaded(
                f"Bodies of {self._held} bytes are held already, of {self._max_bytes} at most; try again shortly."
            )
        self._held += size

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        self._held -= size


class _Body:
    """Passes the messages of one request on, and counts its body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_bytes: int, room: _Room) -> None:
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        self._receive = receive
        self._send = send
        self._max_bytes = max_bytes
        self._room = room
        self._declared = int(declared) if declared.isdigit() else 0
        self._more = self._declared > 0 or b"transfer-encoding" in headers
        self._asks_first = headers.get(b"expect", b"").lower() == b"100-continue"
        self._bytes = 0
        self._held = 0
        self._cut_short = False

    async def receive(self) -> Message:
        """Pass one message on.

        Raises:
            BodyTooLarge: the body is longer than the limit, as declared or as it came.
            Overloaded: too much is being received at once.
        """
        if self._declared > self._max_bytes:
            raise _too_large(self._max_bytes)
        message = await self._next()
        if self._bytes > self._max_bytes:
            raise _too_large(self._max_bytes)
        size = len(message.get("body", b""))
        self._room.take(size)
        self._held += size
        return message

    async def send(self, message: Message) -> None:
        """Pass one message on; after the last one of an early answer, throw away what still comes."""
        if message["type"] == "http.response.start" and self._more:
            self._cut_short = True
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        if not self._cut_short or message["type"] != "http.response.body" or message.get("more_body", False):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        self.let_go()
        await self._discard_rest()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def let_go(self) -> None:
        """Give back the room that the body took."""
        self._room.give_back(self._held)
        self._held = 0

    async def _next(self) -> Message:
        message = await self._receive()
        # Whoever asks before sending (Expect: 100-continue) is told to go on by the first reading.
        self._asks_first = False
        self._bytes += len(message.get("body", b""))
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def _discard_rest(self) -> None:
        """Read on without keeping anything, within bounds; a caller who asked first has sent nothing."""
        try:
            async with asyncio.timeout(DISCARD_S):
                while self._more and not self._asks_first and self._bytes < DISCARD_FACTOR * self._max_bytes:
                    await self._next()
        except TimeoutError:
            return


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is longer than the {max_bytes} bytes that are taken; send a smaller or more compressed picture.",
        {"max_bytes": str(max_bytes)},
    )
