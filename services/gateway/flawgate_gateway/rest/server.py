"""uvicorn, with bounds on the head of a request, and with problems where it would answer with a text of its own."""

import asyncio
import socket
import ssl
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flawgate_contracts.context import bound, new_context
from flawgate_contracts.errors import InvalidRequest
from flawgate_contracts.startup import StartupError
from flawgate_gateway.rest.problems import problem_response

log = structlog.get_logger(__name__)

MAX_HEAD_BYTES = 64 * 1024
"""Longest request line and headers together, in bytes; one read of the socket more may be taken."""
HEAD_TIMEOUT_S = 20.0
"""Longest time that they may take to come, in seconds, also after the connection was opened."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        StartupError: the port is taken, or the address is not this machine's.
    """
    # The protocol is named since asyncio turns off Nagle's delay only where it is: left out, as `create_server` leaves
    # it, every answer waits 40 ms for the acknowledgement of its own headers.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as err:
        listener.close()
        raise StartupError(f"Cannot listen on {host}:{port}: {err.strerror or err}.") from err
    return listener


class RestServer(uvicorn.Server):
    """Serves an app over HTTP/1.1, without uvicorn's signal handlers: ours drain first.

    Args:
        app: the app.
        grace_s: seconds that running requests get when it stops.
        tls: what it shows its callers; None for HTTP without TLS.
    """

    def __init__(self, app: FastAPI, *, grace_s: float, tls: ssl.SSLContext | None = None) -> None:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_context_factory=None if tls is None else lambda *_: tls,
        )
        # uvicorn's annotation is narrower than its use: it waits for a float just as well.
        config.timeout_graceful_shutdown = grace_s  # type: ignore[assignment]
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where (uvicorn)."""
        await super().startup(sockets)
        for listener in sockets or ():
            host, port, *_ = listener.getsockname()
            log.info("listening", door="REST", host=host, port=port, tls=self.config.is_ssl)

    @contextmanager
    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        yield


class BoundedProtocol(HttpToolsProtocol):
    """One connection whose callers cannot take for ever, or for ever more, to say what they want."""

    _head_bytes: int | None = None
    """Of the head that is coming; None while none is."""
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Expect a head (asyncio)."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more (asyncio)."""
        self._head_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too long by now (asyncio)."""
        super().data_received(data)
        if self._head_bytes is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(f"The request's headers are longer than {MAX_HEAD_BYTES} bytes; send fewer.")

    def on_message_begin(self) -> None:
        """Expect the rest of a head (httptools)."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole (httptools)."""
        self._head_done()
        # For an answer that goes on for ever, to somebody who does not read it.
        self.scope["state"]["hang_up"] = self.transport.abort
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        del msg
        self._refuse(
            "The bytes are no HTTP/1.1 request; send one, and over TLS only where the gateway or a proxy takes it."
        )

    def _expect_head(self) -> None:
        self._head_done()
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_done(self) -> None:
        self._head_bytes = None
        if self._head_timer is not None:
            self._head_timer.cancel()

    def _refuse(self, sentence: str) -> None:
        self._head_done()
        with bound(new_context({})):
            response = problem_response(InvalidRequest(sentence), "/")
        headers = [*response.raw_headers, (b"connection", b"close")]
        lines = [b"HTTP/1.1 400 Bad Request", *(b"%s: %s" % header for header in headers)]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()
