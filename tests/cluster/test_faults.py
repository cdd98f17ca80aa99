import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from support.cluster import ClusterUnderTest, run_cluster
from support.pictures import spot_png
from support.tiny_repository import write_spot

pytestmark = pytest.mark.cluster

RECOVERY_S = 60.0


def test_a_good_recipe_is_served_beside_damaged_ones(damaged_cluster: ClusterUnderTest) -> None:
    """Each damaged recipe says why; the good one works."""
    answer = damaged_cluster.inspect("spot", spot_png(255))
    assert answer.status_code == 201
    assert answer.json()["evaluation"] == "NOT_OK"
    states = {r["name"]: r["state"] for r in damaged_cluster.http.get("/v1/recipes").json()["recipes"]}
    assert states == {
        "spot": "READY",
        "broken_file": "UNAVAILABLE",
        "missing_model": "UNAVAILABLE",
        "broken_recipe": "BROKEN",
    }


@pytest.mark.parametrize(
    ("recipe", "status", "code", "said"),
    [
        ("broken_file", 503, "RECIPE_UNAVAILABLE", "broken_file_seg"),
        ("missing_model", 503, "RECIPE_UNAVAILABLE", "only missing_model_seg"),
        ("broken_recipe", 500, "BROKEN_RECIPE", "cannot be read"),
        ("nowhere", 404, "UNKNOWN_RECIPE", "known are"),
    ],
)
def test_a_recipe_that_cannot_be_used_says_why(
    damaged_cluster: ClusterUnderTest, recipe: str, status: int, code: str, said: str
) -> None:
    """A missing model, a broken file, broken JSON and an unknown name are told apart."""
    answer = damaged_cluster.inspect(recipe, spot_png(255))
    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert said in answer.json()["detail"]
    assert "evaluation" not in answer.json()


def test_a_deadline_that_passes_has_no_evaluation(spot_cluster: ClusterUnderTest) -> None:
    """One millisecond is not enough for the way through all services."""
    answer = spot_cluster.inspect("spot", spot_png(255), deadline_ms="1")
    assert (answer.status_code, answer.json()["code"]) == (504, "DEADLINE_EXCEEDED")
    assert spot_cluster.inspect("spot", spot_png(255)).status_code == 201


def test_every_service_shows_its_metrics(spot_cluster: ClusterUnderTest) -> None:
    """Each metrics port answers with what that service is there to count."""
    spot_cluster.inspect("spot", spot_png(255))
    ports = spot_cluster.layout.ports
    expected = {
        ports.gateway_metrics: 'flawgate_inspection_duration_seconds_count{recipe="spot"}',
        ports.preprocessing_metrics: 'flawgate_stage_duration_seconds_count{stage="decode"}',
        ports.decision_metrics: 'flawgate_recipe_ready{recipe="spot"} 1.0',
        ports.triton_metrics: 'nv_inference_count{model="spot_seg",version="1"}',
    }
    for port, line in expected.items():
        assert line in httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text


def test_one_request_id_and_trace_go_through_all_logs(spot_cluster: ClusterUnderTest) -> None:
    """An error of preprocessing stands in its log under the id that the caller gave the gateway."""
    headers = {"content-type": "image/png", "x-request-id": "mes-77"}
    spot_cluster.http.post("/v1/inspections?recipe=spot", content=b"no picture", headers=headers)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        services = {line.split(":")[0] for line in spot_cluster.lines if '"request_id": "mes-77"' in line}
        if services == {"gateway", "preprocessing"}:
            return
        time.sleep(0.1)
    pytest.fail(f"the id stands only in the logs of {services}")


@pytest.mark.timeout(300)
def test_killing_triton_under_load_loses_no_request_silently(tmp_path: Path) -> None:
    """Every request gets an evaluation or a retryable problem; after the restart the cluster recovers by itself."""
    write_spot(tmp_path)
    for under_test in run_cluster(tmp_path):
        stop = threading.Event()
        keeper = threading.Thread(target=under_test.cluster.watch, args=(stop.wait,))
        keeper.start()
        try:
            answers = _under_load(under_test)
        finally:
            stop.set()
            keeper.join()
        sent, received = answers
        assert sent == len(received)
        statuses = {answer.status_code for answer in received}
        assert 201 in statuses
        assert statuses - {201}, "Triton was killed, so some requests must have failed"
        failed = [answer.json() for answer in received if answer.status_code != 201]
        assert all(problem["retryable"] for problem in failed), {problem["code"] for problem in failed}
        assert {"OK"} == {answer.json()["evaluation"] for answer in received if answer.status_code == 201}


def _under_load(under_test: ClusterUnderTest) -> tuple[int, list[httpx.Response]]:
    """Kill Triton while frames are sent; go on until it has answered again. Gives the number sent and the answers."""
    received: list[httpx.Response] = []
    futures: list[Future[httpx.Response]] = []
    with ThreadPoolExecutor(4) as executor:

        def send(count: int) -> None:
            futures.extend(executor.submit(under_test.inspect, "spot", spot_png(10)) for _ in range(count))

        send(50)
        time.sleep(0.2)
        _kill_tritonserver(under_test.cluster.pid("triton"))
        send(200)
        deadline = time.monotonic() + RECOVERY_S
        while time.monotonic() < deadline:
            send(4)
            time.sleep(0.2)
            if futures[-5].done() and futures[-5].result().status_code == 201:
                break
        received = [future.result() for future in futures]
    assert received[-1].status_code == 201, "the cluster did not recover"
    return len(futures), received


def _kill_tritonserver(launcher_pid: int) -> None:
    """Kill the server itself, with no chance to finish anything."""
    children = psutil.Process(launcher_pid).children(recursive=True)
    servers = [child.pid for child in children if child.name() == "tritonserver"]
    assert servers
    for pid in servers:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(120)
def test_without_triton_the_gateway_is_up_but_not_ready(tmp_path: Path) -> None:
    """Alive, not ready, and each inspection a retryable problem: a part that was not inspected is never OK."""
    write_spot(tmp_path)
    for under_test in run_cluster(tmp_path):
        os.kill(under_test.cluster.pid("triton"), signal.SIGKILL)
        answer = under_test.inspect("spot", spot_png(10))
        assert answer.status_code == 503
        assert answer.json()["retryable"]
        assert answer.headers["retry-after"] == "1"
        deadline = time.monotonic() + 20
        while under_test.http.get("/readyz").status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.2)
        ready = under_test.http.get("/readyz")
        assert (ready.status_code, ready.json()["services"]) == (
            503,
            {"preprocessing": True, "decision": False, "records": True},
        )
        assert under_test.http.get("/livez").status_code == 200
