"""The agent's own answers beside those of the cluster with the real Triton, over the same repository."""

import asyncio
from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.cluster import ClusterUnderTest
from support.grpc_door import DoorCaller, door_caller
from support.pictures import coloured
from support.standalone import STAND, TAKEN_AT, assert_alike, captured, identity
from support.tiny_kinds import TINIES

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.standalone.judge import StandaloneJudge

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def door(spot_cluster: ClusterUnderTest) -> Iterator[DoorCaller]:
    """A caller of the gateway's gRPC door."""
    with door_caller(f"127.0.0.1:{spot_cluster.layout.ports.gateway_grpc}") as caller:
        yield caller


@pytest.mark.parametrize("name", TINIES)
def test_the_agent_says_what_the_cluster_says(spot_cluster: ClusterUnderTest, door: DoorCaller, name: str) -> None:
    """Of every kind of recipe: same evaluation, same defects, scores within 1e-6."""
    taken_at = Timestamp()
    taken_at.FromDatetime(TAKEN_AT)

    async def own() -> list[pb.Inspection]:
        judge = StandaloneJudge(spot_cluster.layout.model_repository, name, threads=1)
        answers = [await judge.inspect(captured(coloured(seed)), STAND) for seed in range(3)]
        await judge.close()
        return answers

    for seed, here in enumerate(asyncio.run(own())):
        there = door.inspect(coloured(seed), name, identity=identity(), acquired_at=taken_at)
        assert_alike(there, here)
