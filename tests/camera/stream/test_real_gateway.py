import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.captured import MOMENT, frame
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.streamed import drained, until

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.frames import DropCause
from flawgate_camera.simulate.fault_proxy import fault_proxy
from flawgate_camera.stream.facts import Outcome, Timing, Who
from flawgate_camera.stream.streamer import Streamer

FRAMES = 60
QUICK = Timing(retry_s=0.02, retry_max_s=0.2, refused_s=1)


@pytest.fixture(scope="module")
def cluster() -> Any:
    """Gateway, preprocessing and decision over a fake model server."""
    with running_gateway() as running:
        yield running


async def capture(delivery: Delivery, pause_s: float) -> None:
    """Capture pictures, the last one of which is none."""
    for number in range(1, FRAMES):
        delivery.offer(replace(frame(delivery.next_sequence()), data=spot_png(number), layout=None))
        await asyncio.sleep(pause_s)
    delivery.drop(delivery.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
    delivery.offer(replace(frame(delivery.next_sequence()), data=b"no picture", layout=None))


async def stream_through_faults(cluster: GatewayCluster, delivery: Delivery) -> list[Outcome]:
    """Stream all of it over a network that is cut now and then."""
    outcomes: list[Outcome] = []
    async with fault_proxy(cluster.grpc_target) as proxy:
        streamer = Streamer(
            Who(station="S4", camera="cam1", recipe="spot"),
            Gateway(target=f"127.0.0.1:{proxy.port}"),
            delivery,
            on_result=outcomes.append,
            timing=QUICK,
        )
        running = asyncio.ensure_future(streamer.run())
        capturing = asyncio.ensure_future(capture(delivery, 0.01))
        for cut_after in (5, 20):
            await until(lambda: len(outcomes) >= cut_after)  # noqa: B023  # asked within this round alone
            proxy.cut()
        await capturing
        await drained(delivery)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return outcomes


def on_record(client: httpx.Client, delivery: Delivery) -> dict[str, Any]:
    """What the gateway says of the stream."""
    answer = client.get(f"/v1/streams/{delivery.stream_id}")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


async def test_lossless_over_a_bad_network_has_one_record_a_number(cluster: GatewayCluster, tmp_path: Path) -> None:
    """With the real gateway: every frame an inspection, the broken ones gaps, none missing; answers in order."""
    delivery = LosslessDelivery(tmp_path, Bounds(max_bytes=10**8, max_age_s=3600))
    outcomes = await stream_through_faults(cluster, delivery)
    delivery.close()
    with cluster.client() as client:
        stream = on_record(client, delivery)
    assert stream["inspections"] == FRAMES - 1
    assert stream["dropped"] == {"ENCODING_FAILED": 1, "REFUSED": 1}
    assert stream["missing"] == []
    assert [outcome.sequence for outcome in outcomes] == list(range(1, FRAMES + 2))
    assert [outcome.dropped for outcome in outcomes[-1:]] == [DropCause.REFUSED]


async def test_latest_over_a_bad_network_accounts_for_each_number(cluster: GatewayCluster) -> None:
    """With the real gateway: inspections and drops add up to the frames, and none is missing."""
    delivery = LatestDelivery(2.0)
    await stream_through_faults(cluster, delivery)
    with cluster.client() as client:
        stream = on_record(client, delivery)
    assert stream["frames"] == FRAMES + 1
    assert stream["inspections"] + sum(stream["dropped"].values()) == FRAMES + 1
    assert stream["missing"] == []
