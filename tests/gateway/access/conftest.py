"""A gateway that asks for keys, and somebody who makes them."""

from collections.abc import Iterator

import httpx
import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway

TTL_S = 0.3
"""Seconds after which a revoked key is refused."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyMaker:
    """Makes keys for the gateway of this file's tests."""
    return KeyMaker(f"sqlite:///{tmp_path_factory.mktemp('gateway') / 'records.db'}")


@pytest.fixture(scope="module")
def secured(keys: KeyMaker) -> Iterator[GatewayCluster]:
    """The services, with a gateway that asks for keys."""
    with running_gateway(access="keys", database_url=keys.url, key_ttl_s=TTL_S, key_requests_per_s=10_000) as running:
        yield running


@pytest.fixture(scope="module")
def caller(secured: GatewayCluster) -> Iterator[httpx.Client]:
    """A client of that gateway, without a key."""
    with secured.client() as client:
        yield client
