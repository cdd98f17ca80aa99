"""Records of an agent that judged by itself, handed over to a gateway that was away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from support.gateway_cluster import LOOPBACK, GatewayCluster, running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png
from support.tiny_repository import write_spot

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.config.cameras import Camera, Standalone
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.config.sources import GeneratedSource
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.frames import CapturedFrame, Trigger
from flawgate_camera.simulate.fault_proxy import FaultProxy
from flawgate_camera.standalone.link import Link
from flawgate_camera.standalone.messages import SERVICE_VERSION, is_own
from flawgate_camera.standalone.opening import Bench, Judging
from flawgate_camera.stream.facts import Outcome, Timing, Who
from flawgate_camera.stream.streamer import Streamer

CAMERA = Camera(name="cam1", station="S4", line="L2", recipe="spot", source=GeneratedSource(kind="generated"))
IMPATIENT = Timing(connect_s=5, retry_s=0.05, retry_max_s=0.1)
WAIT_S = 20.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """The services, with the tiny recipe."""
    with running_gateway() as running:
        yield running


@pytest.fixture(scope="module")
def door(cluster: GatewayCluster) -> Iterator[DoorCaller]:
    """A caller that no proxy stands before."""
    with door_caller(cluster.grpc_target) as caller:
        yield caller


class Agent:
    """One camera's delivery, stream and own decisions, and a proxy between it and the gateway."""

    def __init__(self, delivery: Delivery, judging: Judging, proxy: FaultProxy) -> None:
        self.delivery = delivery
        self.proxy = proxy
        self.link = Link()
        self.own: list[pb.Inspection] = []
        """Decided here, in order."""
        self.results: list[pb.Inspection] = []
        """Answered by the gateway, in order."""
        self.decisions = judging(CAMERA, delivery.stream_id, self.link, self)
        self.streamer = Streamer(
            Who(station=CAMERA.station, camera=CAMERA.name, recipe=CAMERA.recipe, line=CAMERA.line),
            Gateway(target=f"{LOOPBACK}:{proxy.port}"),
            delivery,
            on_result=self.answered,
            on_state=lambda state: self.link.turned(connected=state.connected),
            timing=IMPATIENT,
        )

    def decided(self, frame: CapturedFrame, inspection: pb.Inspection) -> None:
        """See `Listener`."""
        self.own.append(inspection)

    def failed(self, reason: str) -> None:
        """See `Listener`."""
        raise AssertionError(reason)

    def answered(self, outcome: Outcome) -> None:
        """See `OnResult`."""
        assert outcome.inspection is not None
        self.results.append(outcome.inspection)

    async def capture(self, *greys: int) -> None:
        """Take frames, each with one pixel of a grey value, as a capture thread does."""
        await asyncio.to_thread(self._capture, greys)

    def _capture(self, greys: tuple[int, ...]) -> None:
        for grey in greys:
            number = self.delivery.next_sequence()
            trigger = Trigger(part=f"SN-{number}")
            frame = CapturedFrame(number, spot_png(grey), None, datetime.now(UTC), monotonic(), trigger)
            self.delivery.offer(self.decisions.decide(frame))

    async def gateway_goes(self) -> None:
        """Cut it off, and wait until that is noticed."""
        self.proxy.refuses = True
        self.proxy.cut()
        await until(lambda: not self.streamer.state.connected)

    async def gateway_comes(self) -> None:
        """Let it be reached, and wait until all is answered."""
        self.proxy.refuses = False
        await until(lambda: self.streamer.state.connected)
        await asyncio.wait_for(self.delivery.drained(), WAIT_S)


@asynccontextmanager
async def running_agent(folder: Path, gateway: str, *, when: str) -> AsyncIterator[Agent]:
    """An agent that the gateway is out of reach of."""
    write_spot(folder / "repository")
    table = Standalone.model_validate(
        {"repository": folder / "repository", "when": when, "offline_after_s": 0, "threads": 1}
    )
    judging = Bench(asyncio.get_running_loop()).judging(table)
    assert judging is not None
    host, port = gateway.split(":")
    proxy = FaultProxy(host, int(port))
    proxy.refuses = True
    await proxy.start()
    delivery = LosslessDelivery(folder / "spool", Bounds(max_bytes=10_000_000, max_age_s=3600))
    agent = Agent(delivery, judging, proxy)
    streaming = asyncio.ensure_future(agent.streamer.run())
    try:
        yield agent
    finally:
        delivery.stop()
        await agent.streamer.finish(0.1)
        await streaming
        delivery.close()
        await proxy.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something."""
    async with asyncio.timeout(WAIT_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def on_record(door: DoorCaller, agent: Agent) -> list[pb.Inspection]:
    """The agent's inspections, in the order of their numbers."""
    listed = await asyncio.to_thread(door.list, page_size=1000)
    stream_id = str(agent.delivery.stream_id)
    own = [inspection for inspection in listed.inspections if inspection.capture.stream_id == stream_id]
    return sorted(own, key=lambda inspection: inspection.capture.sequence)


async def test_what_was_decided_while_the_gateway_was_away_is_on_record_once(
    tmp_path: Path, cluster: GatewayCluster, door: DoorCaller
) -> None:
    """With the agent's own ids, times and version; what is taken while there is a gateway is the gateway's to judge."""
    async with running_agent(tmp_path, cluster.grpc_target, when="offline") as agent:
        await agent.capture(255, 0, 220)
        await agent.gateway_comes()
        await agent.capture(255, 0)
        await asyncio.wait_for(agent.delivery.drained(), WAIT_S)
        await agent.gateway_goes()
        await agent.capture(0, 255)
        await agent.gateway_comes()
        records = await on_record(door, agent)
    assert [record.capture.sequence for record in records] == [1, 2, 3, 4, 5, 6, 7]
    own = [record for record in records if is_own(record)]
    assert [record.capture.sequence for record in own] == [1, 2, 3, 6, 7]
    assert {record.service_version for record in own} == {SERVICE_VERSION}
    for record in own:
        record.ClearField("links")  # the gateway's to say
    assert own == agent.own
    assert [result.inspection_id for result in agent.results] == [record.inspection_id for record in records]


async def test_a_hand_over_that_is_cut_again_and_again_leaves_one_record_a_frame(
    tmp_path: Path, cluster: GatewayCluster, door: DoorCaller
) -> None:
    """Whatever of it was on record already is answered from there."""
    async with running_agent(tmp_path, cluster.grpc_target, when="always") as agent:
        await agent.capture(*range(0, 250, 25))
        agent.proxy.refuses = False
        while len(agent.results) < len(agent.own):
            agent.proxy.cut()
            answered = len(agent.results)
            await until(lambda: len(agent.results) > answered)  # noqa: B023  # called before the next turn
        records = await on_record(door, agent)
    assert [record.capture.sequence for record in records] == list(range(1, 11))
    assert [record.inspection_id for record in records] == [each.inspection_id for each in agent.own]


async def test_the_picture_of_a_frame_that_the_agent_judged_is_kept(
    tmp_path: Path, cluster: GatewayCluster, door: DoorCaller
) -> None:
    """As of any other: the bytes that were judged; a mask the agent does not send."""
    async with running_agent(tmp_path, cluster.grpc_target, when="always") as agent:
        await agent.capture(255)
        await agent.gateway_comes()
        (record,) = await on_record(door, agent)
    with cluster.client() as client:
        picture = await asyncio.to_thread(client.get, record.links.frame)
    assert picture.content == spot_png(255)
    assert not record.links.HasField("mask")
