"""The three services on real sockets, shared by the tests of a file."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from support.databases import database, database_url, postgres
from support.gateway_cluster import GatewayCluster, running_gateway

__all__ = ["database", "database_url", "postgres"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """Gateway, preprocessing and decision over a fake model server."""
    with running_gateway(recipe_ttl_s=0.2) as running:
        yield running


@pytest.fixture(scope="module")
def client(cluster: GatewayCluster) -> Iterator[httpx.Client]:
    """A client of the gateway; making one takes longer than a request."""
    with cluster.client() as client:
        yield client


@pytest.fixture
def gateway(cluster: GatewayCluster, client: httpx.Client) -> httpx.Client:
    """The client, and models that answer at once."""
    cluster.model_server.delay_s = 0
    return client


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the services log during a test."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines
