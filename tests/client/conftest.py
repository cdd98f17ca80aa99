"""What the tests of this folder share."""

import socket
from collections.abc import Iterator

import pytest
import structlog
from support.both_clients import Ask, ask_awaiting, ask_blocking


@pytest.fixture(params=[ask_blocking, ask_awaiting], ids=["Client", "AsyncClient"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """One of both clients."""
    asking: Ask = request.param
    return asking


@pytest.fixture
def nobody() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Log lines of services within this process are kept in memory."""
    with structlog.testing.capture_logs():
        yield
