"""The port that Prometheus asks. Nobody who reaches it holds up a service: connections are few, and none stays idle."""

import socket
from contextlib import suppress
from socketserver import ThreadingMixIn
from threading import BoundedSemaphore, Thread, Timer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

CONNECTIONS = 16
"""Open at once; who comes beyond that is hung up on."""

IDLE_S = 5.0
"""Who sends or reads nothing for so long is hung up on, in seconds."""

IDLE_TIMES = 4
"""And whoever is not through after so many times as long, since byte by byte a place could be held for ever."""


class MetricsPort(ThreadingMixIn, WSGIServer):
    """Answers `GET /metrics`, until `close`.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        registry: what is shown.
        idle_s: who sends or reads nothing for so long is hung up on, in seconds.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry, idle_s: float = IDLE_S) -> None:
        self.address_family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        super().__init__((str(address[0]), int(address[1])), type("Handler", (_Handler,), {"timeout": idle_s}))
        self.set_app(make_wsgi_app(registry))
        self._longest_s = IDLE_TIMES * idle_s
        self._places = BoundedSemaphore(CONNECTIONS)
        self._thread = Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread, where there is a place."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer it, and give its place back."""
        end = Timer(self._longest_s, _hang_up, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up, or is hung up on, is no news."""


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
