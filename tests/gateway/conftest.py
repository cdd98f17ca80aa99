"""The three services on real sockets, shared by the tests of a file."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from support.databases import database, database_url, postgres
from support.gateway_cluster import GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller

from flawgate_contracts.logs import add_request

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


@pytest.fixture(scope="module")
def channel(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller of the gRPC door; making one takes longer than a call."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


@pytest.fixture
def door(cluster: GatewayCluster, channel: DoorCaller) -> DoorCaller:
    """The caller, and models that answer at once."""
    cluster.model_server.delay_s = 0
    return channel


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the services log during a test."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars, add_request]) as lines:
        yield lines
