import struct
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import httpx
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_png
from support.raw_http import connection, head, read_answer

PATH = "/v1/inspections?recipe=spot"
PNG = "Content-Type: image/png"
DATA = spot_png(255)
FORM = "Content-Type: multipart/form-data; boundary=x"
FORM_START = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
FAILURES = "flawgate_inspection_failures_total"


def wait_until(met: Callable[[], bool], timeout_s: float = 5) -> bool:
    """Whether a condition is met in time."""
    deadline = time.monotonic() + timeout_s
    while not met() and time.monotonic() < deadline:
        time.sleep(0.01)
    return met()


def counted(cluster: GatewayCluster) -> float:
    """Callers who went away, so far."""
    return cluster.value(FAILURES, reason="REQUEST_CANCELLED", fault="client")


def assert_still_up(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """Nothing is left running, and a good frame is inspected."""
    assert wait_until(lambda: cluster.value("flawgate_inspections_in_progress") == 0)
    answer = gateway.post(PATH, content=DATA, headers={"content-type": "image/png"})
    assert answer.status_code == 201


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(("content_type", "start"), [(PNG, b""), (FORM, FORM_START)], ids=["body", "form"])
def test_a_caller_who_goes_away_in_mid_upload(
    cluster: GatewayCluster,
    gateway: httpx.Client,
    logs: list[MutableMapping[str, Any]],
    content_type: str,
    start: bytes,
    *,
    reset: bool,
) -> None:
    """Counted, logged, and nothing of it stays."""
    before, inferences = counted(cluster), cluster.model_server.inferences
    with connection(cluster.url) as opened:
        opened.sendall(head(PATH, content_type, "Content-Length: 100000", "X-Request-Id: gone") + start + DATA)
        time.sleep(0.05)
        if reset:
            opened.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    # It is counted before it is logged.
    assert wait_until(lambda: any(line["event"] == "request refused" for line in logs))
    assert counted(cluster) == before + 1
    (line,) = [line for line in logs if line["event"] == "request refused"]
    assert (line["reason"], line["request_id"]) == ("REQUEST_CANCELLED", "gone")
    assert cluster.model_server.inferences == inferences
    assert_still_up(cluster, gateway)


def test_a_caller_who_goes_away_in_mid_inspection(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """The inference is given up in every service, the inspection is counted as cancelled and not kept."""
    cluster.model_server.delay_s = 0.5
    before, inferences = counted(cluster), cluster.model_server.inferences
    with connection(cluster.url) as opened:
        opened.sendall(head(PATH, PNG, f"Content-Length: {len(DATA)}") + DATA)
        assert wait_until(lambda: cluster.value("flawgate_inspections_in_progress") == 1)
    assert wait_until(lambda: counted(cluster) == before + 1, 0.4)
    time.sleep(0.7)
    assert cluster.model_server.inferences == inferences
    cluster.model_server.delay_s = 0
    assert_still_up(cluster, gateway)


def test_a_caller_with_an_own_time_out(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """A library's time-out is a hang-up too."""
    cluster.model_server.delay_s = 1.0
    before = counted(cluster)
    with cluster.client(timeout_s=0.1) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post(PATH, content=DATA, headers={"content-type": "image/png"})
    assert wait_until(lambda: counted(cluster) == before + 1)
    cluster.model_server.delay_s = 0
    assert_still_up(cluster, gateway)


def test_many_who_go_away_leave_room_for_others() -> None:
    """The bound on inspections in progress is not used up by those who left."""
    with running_gateway(max_in_progress=4) as cluster, cluster.client() as gateway:
        cluster.model_server.delay_s = 20
        for _ in range(3):
            for _ in range(4):
                with connection(cluster.url) as opened:
                    opened.sendall(head(PATH, PNG, f"Content-Length: {len(DATA)}") + DATA)
                    time.sleep(0.03)
            assert wait_until(lambda: cluster.value("flawgate_inspections_in_progress") == 0)
        cluster.model_server.delay_s = 0
        assert_still_up(cluster, gateway)
        refused = cluster.value(FAILURES, reason="OVERLOADED", fault="service")
        assert counted(cluster) + refused == 12


def test_a_keep_alive_connection_takes_one_inspection_after_another(cluster: GatewayCluster) -> None:
    """Watching for a hang-up does not eat the next request of the same connection."""
    with connection(cluster.url) as opened:
        for _ in range(3):
            opened.sendall(head(PATH, PNG, f"Content-Length: {len(DATA)}") + DATA)
            assert read_answer(opened).status == 201


def test_many_callers_at_once_are_all_answered(cluster: GatewayCluster) -> None:
    """Whatever comes together is inspected apart: each answer belongs to its own frame."""
    greys = list(range(0, 256, 8))

    def inspect(grey: int) -> float:
        with cluster.client() as client:
            answer = client.post(PATH, content=spot_png(grey), headers={"content-type": "image/png"})
            score: float = answer.json()["score"]
            return score

    with ThreadPoolExecutor(8) as executor:
        scores = list(executor.map(inspect, greys))
    assert scores == [pytest.approx(grey / 255, abs=1e-6) for grey in greys]
