"""A gateway as a process of its own, that can be killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from support.gateway_cluster import ACCESS_OFF, GatewayCluster
from support.ports import free_port

START_TIMEOUT_S = 30.0


@contextmanager
def gateway_process(
    cluster: GatewayCluster, **settings: object
) -> Iterator[tuple["subprocess.Popen[bytes]", httpx.Client]]:
    """The process, over the services of a cluster, and a client of it; killed at the end of the block."""
    port = free_port()
    given = {**ACCESS_OFF, "triton_http_url": "", "port": port, "grpc_port": 0, "metrics_port": 0, **cluster.targets}
    environment = {f"GATEWAY_{name.upper()}": str(value) for name, value in {**given, **settings}.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "flawgate_gateway"], env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
        try:
            wait_until_live(client)
            yield process, client
        finally:
            process.kill()


def wait_until_live(client: httpx.Client) -> None:
    """Wait until the gateway answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            client.get("/livez")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
