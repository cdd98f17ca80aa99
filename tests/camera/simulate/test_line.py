import json
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.ports import free_port

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.simulate.line import reach
from flawgate_camera.simulate.task import Wanted, simulate
from flawgate_contracts.errors import InvalidParameter, Unavailable, UnknownRecipe

QUICK = Wanted(
    recipe="spot",
    cameras=2,
    takt_s=0.1,
    seconds=1.0,
    policy="lossless",
    staleness_s=20.0,
    jitter_share=0.2,
    defect_share=0.5,
    frames=None,
    pictures=4,
    size=128,
    seed=3,
    faults="",
    cut_every_s=None,
    settle_s=60.0,
    deadline_s=10.0,
    station="S4",
    gateway="",
    url=None,
    key_file=None,
    ca_file=None,
)
PARTS = 10
SLOWER: dict[str, Any] = {"takt_s": 0.3, "seconds": 3.0}
"""As many parts, of cameras that are connected before the network fails, on a busy machine too."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayCluster]:
    """Gateway, preprocessing and decision over a fake model server."""
    with running_gateway() as cluster:
        yield cluster


def outcome(gateway: GatewayCluster, **changes: Any) -> dict[str, Any]:
    """What the command says, as JSON, after it came to a good end."""
    out = StringIO()
    simulate(replace(QUICK, **{"gateway": gateway.grpc_target, "url": gateway.url, **changes}), out, as_json=True)
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "lossless", "cut_every_s": 0.4},
        {"policy": "latest", "faults": "cut@0.9+1.2,stall@2.4+0.3", "staleness_s": 0.9},
        {"policy": "every", "faults": "cut@0.9+0.6"},
    ],
    ids=str,
)
def test_every_frame_is_accounted_for(gateway: GatewayCluster, changes: dict[str, Any]) -> None:
    """Frames are results plus dropped, here and on record; only `latest` has dropped any; every camera came back."""
    said = outcome(gateway, **SLOWER, **changes)
    assert (said["adds_up"], said["gateway_agrees"], said["differences"]) == (True, True, [])
    assert [camera["camera"] for camera in said["cameras"]] == ["cam1", "cam2"]
    for camera in said["cameras"]:
        assert camera["frames"] + camera["missed"] == PARTS
        assert camera["frames"] == camera["results"] + sum(camera["dropped"].values())
        assert changes["policy"] == "latest" or camera["dropped"] == {}
        assert camera["reconnects"] >= 1
        assert camera["age_p50_s"] is None or camera["age_p50_s"] <= camera["age_p95_s"] <= camera["age_p99_s"]
    judged = sum(frames for row in said["confusion"].values() for frames in row.values())
    assert judged == sum(camera["frames"] for camera in said["cameras"])


def test_people_are_told_what_came_of_it(gateway: GatewayCluster) -> None:
    """Tables, the verdict, and what the gateway says."""
    out = StringIO()
    simulate(
        replace(QUICK, gateway=gateway.grpc_target, url=gateway.url, policy="latest", faults="cut@0.2+0.8"),
        out,
        as_json=False,
    )
    said = out.getvalue()
    for words in ("reopened", "SUPERSEDED", "not inspected", "The sums add up: ", "of all 2 streams"):
        assert words in said


def test_frames_without_an_answer_end_with_status_1(gateway: GatewayCluster) -> None:
    """Where the network comes back too late, the command says how many have none."""
    wanted = replace(QUICK, gateway=gateway.grpc_target, url=gateway.url, faults="cut@0.5+60", settle_s=0.5)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        simulate(wanted, out, as_json=False)
    assert ended.value.code == 1
    said = out.getvalue()
    assert "The sums do not add up" in said
    assert "frames have no answer yet" in said


def test_a_difference_to_the_records_is_told(gateway: GatewayCluster) -> None:
    """A REST door of another cluster knows no such stream."""
    out = StringIO()
    with running_gateway() as other, pytest.raises(SystemExit):
        simulate(replace(QUICK, gateway=gateway.grpc_target, url=other.url, cameras=1), out, as_json=True)
    said = json.loads(out.getvalue())
    assert (said["adds_up"], said["gateway_agrees"]) == (True, False)
    assert "knows no such stream" in said["differences"][0]


def test_without_a_rest_door_the_records_are_not_compared(gateway: GatewayCluster) -> None:
    """That is said, and is no failure."""
    said = outcome(gateway, cameras=1, url=f"http://127.0.0.1:{free_port()}")
    assert said["gateway_agrees"] is None


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"recipe": "nowhere"}, UnknownRecipe, "nowhere"),
        ({"gateway": "nowhere"}, InvalidParameter, "write host and port"),
        ({"faults": "flood@1+1"}, InvalidParameter, "flood@1"),
    ],
)
def test_what_cannot_work_ends_at_once(
    gateway: GatewayCluster, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    """With one sentence, and not with cameras that try for ever."""
    wanted = replace(QUICK, **{"gateway": gateway.grpc_target, "url": gateway.url, **changes})
    with pytest.raises(error, match=words):
        simulate(wanted, StringIO(), as_json=True)


async def test_a_gateway_that_is_not_there_is_told_soon() -> None:
    """The sentence says what to do."""
    gateway = Gateway(target=f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="make up"):
        await reach(gateway, within_s=0.5)
