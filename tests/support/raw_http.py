"""HTTP by hand, for callers who do what no library does: stop half-way, hang up, send nonsense."""

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

TIMEOUT_S = 20.0


class RawAnswer(NamedTuple):
    """What came back until the server closed the connection, or said all of one answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextlib.contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    """A TCP connection to the server of a URL."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), TIMEOUT_S) as opened:
        yield opened


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    """A request line and headers."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: test", *headers, "", "")).encode("latin-1")


def read_answer(opened: socket.socket) -> RawAnswer:
    """One answer with a Content-Length."""
    with opened.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return RawAnswer(status, headers, stream.read(int(headers.get("content-length", "0"))))


def is_closed(opened: socket.socket) -> bool:
    """Whether the server closes the connection, within the time-out."""
    try:
        return opened.recv(1) == b""
    except ConnectionError:
        return True
