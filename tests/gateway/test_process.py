import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from support.gateway_cluster import GatewayCluster
from support.gateway_process import START_TIMEOUT_S, wait_until_live
from support.pictures import spot_png
from support.ports import free_port


def start(**settings: object) -> "subprocess.Popen[str]":
    """`python -m flawgate_gateway` with those settings."""
    given = {"access": "off-for-development", "grpc_port": 0, **settings}
    environment = {f"GATEWAY_{name.upper()}": str(value) for name, value in given.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "flawgate_gateway"],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(cluster: GatewayCluster, **settings: object) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client, int]]:
    """The process, a client of it and its metrics port."""
    port, metrics_port = free_port(), free_port()
    with TemporaryDirectory(prefix="flawgate-gateway-") as folder:
        given = {"port": port, "metrics_port": metrics_port, "data_dir": folder, **cluster.targets, **settings}
        with start(**given) as process, httpx.Client(base_url=_url(port), timeout=20, trust_env=False) as client:
            try:
                wait_until_live(client)
                yield process, client, metrics_port
            finally:
                process.kill()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def inspect(client: httpx.Client) -> httpx.Response:
    """Send a frame."""
    return client.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)})


def test_a_stop_under_way_answers_what_was_begun(cluster: GatewayCluster) -> None:
    """SIGTERM: not ready, still serving for `drain_s`, connections close, inspections end, exit status 0, JSON logs."""
    with running(cluster, drain_s=0.5) as (process, client, metrics_port), ThreadPoolExecutor(1) as executor:
        assert inspect(client).status_code == 201
        metrics = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text
        labels = 'evaluation="NOT_OK",reason="SCORE_ABOVE_THRESHOLD",recipe="spot",station=""'
        assert f"flawgate_inspections_total{{{labels}}} 1.0" in metrics
        cluster.model_server.delay_s = 1.2
        begun = executor.submit(inspect, client)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        readiness = client.get("/readyz")
        assert (readiness.status_code, readiness.json()["stopping"]) == (503, True)
        assert readiness.headers["connection"] == "close"
        assert begun.result().status_code == 201
        assert process.wait(10) == 0
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr]
    assert {line["service"] for line in lines} == {"gateway"}
    assert [line["status"] for line in lines if line["event"] == "request"].count(201) == 2
    cluster.model_server.delay_s = 0


def test_what_does_not_end_in_time_is_told_to_come_back(cluster: GatewayCluster) -> None:
    """After `grace_s` a running inspection is a 503 that a program sends again: never silence, never an evaluation."""
    with running(cluster, grace_s=0.2) as (process, client, _), ThreadPoolExecutor(1) as executor:
        assert inspect(client).status_code == 201
        cluster.model_server.delay_s = 8
        begun = executor.submit(inspect, client)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        answer = begun.result()
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "UNAVAILABLE", True)
        assert process.wait(5) == 0
    cluster.model_server.delay_s = 0


@pytest.mark.parametrize("which", ["port", "metrics_port"])
def test_a_taken_port_is_one_sentence(which: str) -> None:
    """Exit status 2 and the address; no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(**{"port": 0, "metrics_port": 0, which: port}) as process:
            assert process.wait(START_TIMEOUT_S) == 2
            assert process.stderr is not None
            said = process.stderr.read()
    assert f"127.0.0.1:{port}" in said
    assert len(said.splitlines()) == 1


def test_a_taken_grpc_port_ends_the_start(tmp_path: Path) -> None:
    """Exit status 2; the last line names the address, and there is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(port=0, metrics_port=0, grpc_port=port, data_dir=tmp_path) as process:
            assert process.wait(START_TIMEOUT_S) == 2
            assert process.stderr is not None
            said = process.stderr.read()
    assert said.splitlines()[-1].startswith(f"gateway: Cannot listen on 127.0.0.1:{port}:")
    assert "Traceback" not in said


def test_a_wrong_setting_is_one_sentence() -> None:
    """Exit status 2 and the name of the environment variable."""
    with start(max_in_progress=0) as process:
        assert process.wait(START_TIMEOUT_S) == 2
        assert process.stderr is not None
        assert process.stderr.read().startswith("gateway: Wrong settings: GATEWAY_MAX_IN_PROGRESS:")
