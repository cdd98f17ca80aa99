import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from support.raw_http import is_closed

from flawgate_contracts.metrics_port import CONNECTIONS, MetricsPort

IDLE_S = 0.5


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that shows one counter."""
    registry = CollectorRegistry()
    Counter("seen", "Seen.", registry=registry).inc()
    server = MetricsPort("localhost", 0, registry, idle_s=IDLE_S)
    yield server.server_port
    server.close()


def shown(port: int) -> str:
    """What Prometheus gets."""
    return httpx.get(f"http://localhost:{port}/metrics", trust_env=False, timeout=5).text


def half_open(port: int) -> socket.socket:
    """A connection that never says all of its request."""
    opened = socket.create_connection(("localhost", port), 5)
    opened.sendall(b"GET /metrics HT")
    return opened


def test_metrics_are_shown(port: int) -> None:
    """By a name of the host, too."""
    assert "seen_total 1.0" in shown(port)


def test_who_says_nothing_is_hung_up_on(port: int) -> None:
    """A connection is no place for ever."""
    with half_open(port) as opened:
        began = time.monotonic()
        assert is_closed(opened)
        assert time.monotonic() - began < 5 * IDLE_S + 1


def test_who_goes_on_and_on_is_hung_up_on(port: int) -> None:
    """A byte now and then holds no place for ever."""
    with half_open(port) as opened:
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 20 * IDLE_S:
                opened.sendall(b"x")
                time.sleep(IDLE_S / 5)
        assert time.monotonic() - began < 10 * IDLE_S


def test_a_flood_holds_up_nobody_but_itself(port: int) -> None:
    """Beyond so many connections one is closed at once: no thread, no file more; then Prometheus is answered again."""
    flood = [half_open(port) for _ in range(3 * CONNECTIONS)]
    assert all(is_closed(opened) for opened in flood)
    for opened in flood:
        opened.close()
    assert "seen_total 1.0" in shown(port)
