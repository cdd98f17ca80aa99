"""A gateway before a Triton that keeps what it is asked."""

from collections.abc import Iterator

import httpx
import pytest
from support.fake_triton import FakeTriton, fake_triton
from support.gateway_cluster import GatewayCluster, running_gateway

MAX_BODY_BYTES = 1_000_000


@pytest.fixture(scope="module")
def triton_server() -> Iterator[FakeTriton]:
    """Shared by a file's tests."""
    with fake_triton() as server:
        yield server


@pytest.fixture(scope="module")
def cluster(triton_server: FakeTriton) -> Iterator[GatewayCluster]:
    """A gateway before it, with small bounds."""
    settings = {"max_body_bytes": MAX_BODY_BYTES, "triton_timeout_s": 1.0, "triton_max_in_progress": 2}
    with running_gateway(triton_http_url=triton_server.url, **settings) as running:
        yield running


@pytest.fixture
def triton(triton_server: FakeTriton, gateway: httpx.Client) -> FakeTriton:
    """It, as if nothing had happened."""
    triton_server.ready, triton_server.delay_s, triton_server.breaks_off = True, 0.0, False
    triton_server.asked.clear()
    return triton_server
