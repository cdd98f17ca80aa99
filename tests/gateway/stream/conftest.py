"""The gRPC door of the services that a file's tests share."""

from collections.abc import Iterator

import pytest
from support.gateway_cluster import GatewayCluster
from support.grpc_door import DoorCaller, door_caller


@pytest.fixture(scope="module")
def channel(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """One channel for all tests of a file."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


@pytest.fixture
def door(cluster: GatewayCluster, channel: DoorCaller) -> DoorCaller:
    """A caller, and models that answer at once."""
    cluster.model_server.delay_s = 0
    return channel
