"""A target of Prometheus that says what a test wrote: for what no service of this machine can be brought to say."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StaticMetrics:
    """The target. `texts`, in Prometheus' text format, are what it shows now."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.port = 0


@contextmanager
def static_metrics() -> Iterator[StaticMetrics]:
    """A target on a free port of loopback."""
    shown = StaticMetrics()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # Prometheus waits no longer than a scrape may take
                self.wfile.write("".join(shown.texts).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield shown
        finally:
            server.shutdown()
            thread.join()
