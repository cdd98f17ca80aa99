"""What the gateway costs: with records, archive and outbox on and off, and beside the barest door there is.

    python benchmarks/gateway.py [--data KOLEKTOR_SDD_FOLDER]

Rounds alternate, so that a noisy neighbour meets all; the median round counts. Writes out/bench/gateway.json.
"""

import argparse
import base64
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
from cluster import encoded_frames
from rich.console import Console
from rich.table import Table

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports

REPOSITORY = Path("model_repository")
OUT = Path("out/bench/gateway.json")
HEAVY, SMALL = "commutator", "leather"
SMALL_SIDE = 96
"""Rows and columns of the small recipe's tensor, one channel."""
SMALL_REQUESTS = 300
ROUNDS = 5
CLIENTS = 4
START_TIMEOUT_S = 60.0
BOUNDARY = "flawgate-benchmark"

Settings = Mapping[str, object]


class Sink(BaseHTTPRequestHandler):
    """Takes every event."""

    def do_POST(self) -> None:
        """Read it, and say so."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the standard library
        """Say nothing."""


@contextmanager
def sink(folder: Path) -> Iterator[Path]:
    """A webhook's receiver; gives the file that names it as a sink."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secret = folder / "secret"
    secret.write_text("whsec_" + base64.b64encode(os.urandom(24)).decode(), "utf-8")
    secret.chmod(0o600)
    sinks = folder / "sinks.toml"
    url = f"http://127.0.0.1:{server.server_port}/events"
    sinks.write_text(
        f'[[sinks]]\nname = "mes"\nkind = "webhook"\nurl = "{url}"\nsecret_files = ["{secret}"]\n', "utf-8"
    )
    try:
        yield sinks
    finally:
        server.shutdown()


@contextmanager
def door(command: Sequence[str], port: int, settings: Settings) -> Iterator[psutil.Process]:
    """A process that listens on a port of this machine, with settings of the gateway's kind."""
    environment = {f"GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
    child = subprocess.Popen([sys.executable, *command], env={**os.environ, **environment})
    try:
        wait_until_open(child, port)
        yield psutil.Process(child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def wait_until_open(child: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until somebody answers there."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nobody listens on {port}")


def form(data: bytes, fields: Mapping[str, str]) -> bytes:
    """A multipart form with one file."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    return "".join(parts).encode() + head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def send_all(port: int, path: str, bodies: Sequence[bytes], content_type: str) -> float:
    """Requests per second of `CLIENTS` clients at once, each request under a key of its own."""

    def one_client(share: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for body in share:
            connection.request("POST", path, body, {"content-type": content_type, "idempotency-key": str(uuid4())})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != http.HTTPStatus.CREATED:
                raise RuntimeError(f"status {answer.status}: {said!r}")
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as executor:
        list(executor.map(one_client, [bodies[i::CLIENTS] for i in range(CLIENTS)]))
    return len(bodies) / (time.perf_counter() - started)


def cpu_seconds(process: psutil.Process) -> float:
    """What a process has used of the cores so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def median_of_rounds(measures: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Each measure once a round, in turn."""
    rounds: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            rounds[name].append(measure())
    return {name: round(statistics.median(values), 5) for name, values in rounds.items()}


def heavy(ports: Mapping[str, int], frames: Sequence[bytes]) -> dict[str, Any]:
    """Throughput of the heavy recipe with everything on, and with records, archive and outbox off."""
    path = f"/v1/inspections?recipe={HEAVY}"
    for port in ports.values():
        send_all(port, path, frames[:4], "image/jpeg")
    measured = median_of_rounds(
        {name: lambda port=port: send_all(port, path, frames, "image/jpeg") for name, port in ports.items()}  # type: ignore[misc]  # a default argument has no type
    )
    return {"frames_per_s": measured, "on_to_off": round(measured["on"] / measured["off"], 3), "goal": 0.9}


def small(doors: Mapping[str, tuple[int, psutil.Process]]) -> dict[str, Any]:
    """Processor seconds of the gateway for a small model's request, beside those of the bare door."""
    fields = {"recipe": SMALL, "width": str(SMALL_SIDE), "height": str(SMALL_SIDE), "channels": "1"}
    bodies = [form(os.urandom(SMALL_SIDE * SMALL_SIDE), fields) for _ in range(SMALL_REQUESTS)]
    content_type = f"multipart/form-data; boundary={BOUNDARY}"

    def per_core(port: int, process: psutil.Process) -> float:
        before = cpu_seconds(process)
        send_all(port, "/v1/inspections", bodies, content_type)
        return len(bodies) / (cpu_seconds(process) - before)

    for port, _ in doors.values():
        send_all(port, "/v1/inspections", bodies[:20], content_type)
    measured = median_of_rounds(
        {name: lambda each=each: per_core(*each) for name, each in doors.items()}  # type: ignore[misc]  # as above
    )
    ratios = {f"{name}_to_bare": round(measured[name] / measured["bare"], 3) for name in ("on", "off")}
    return {"requests_per_core_second": measured, **ratios, "goal": 0.7}


def measure(layout: Layout, folder: Path, frames: Sequence[bytes]) -> dict[str, Any]:
    """Start the three doors beside a running cluster, and measure them."""
    ports, extra = layout.ports, Ports.free()
    common = {
        "access": "off-for-development",
        "preprocessing_target": f"127.0.0.1:{ports.preprocessing}",
        "decision_target": f"127.0.0.1:{ports.decision}",
        "log_level": "warning",
        "grpc_port": 0,
        "metrics_port": 0,
        "triton_http_url": "",
    }
    doors = {"on": extra.gateway, "off": extra.decision, "bare": extra.preprocessing}
    bare = ["benchmarks/gateway_bare.py", doors["bare"], ports.triton_http, SMALL, 1, SMALL_SIDE, SMALL_SIDE]
    with ExitStack() as stack:
        sinks_file = stack.enter_context(sink(folder))
        on = {**common, "port": doors["on"], "data_dir": folder / "on", "sinks_file": sinks_file}
        off = {**common, "port": doors["off"], "data_dir": folder / "off"}
        processes = {
            "on": stack.enter_context(door(["-m", "flawgate_gateway"], doors["on"], on)),
            "off": stack.enter_context(door(["benchmarks/gateway_off.py"], doors["off"], off)),
            "bare": stack.enter_context(door([str(each) for each in bare], doors["bare"], {})),
        }
        heavy_figures = heavy({"on": doors["on"], "off": doors["off"]}, frames)
        return {HEAVY: heavy_figures, SMALL: small({name: (doors[name], processes[name]) for name in doors})}


def show(result: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    console = Console()
    table = Table(title="Gateway", title_justify="left")
    for heading in ("", "on", "off", "bare", "ratio", "goal"):
        table.add_column(heading, justify="right")
    fast, cheap = result[HEAVY], result[SMALL]
    rates, per_core = fast["frames_per_s"], cheap["requests_per_core_second"]
    goal = f"≥ {fast['goal']}"
    table.add_row(f"{HEAVY}, frames/s", f"{rates['on']:.1f}", f"{rates['off']:.1f}", "", f"{fast['on_to_off']}", goal)
    cells = [f"{per_core[name]:.0f}" for name in ("on", "off", "bare")]
    table.add_row(f"{SMALL}, requests/core-second", *cells, f"{cheap['on_to_bare']}", f"≥ {cheap['goal']}")
    console.print(table)
    console.print(f"Without records, archive and outbox: {cheap['off_to_bare']} of the bare door. Written to {OUT}.")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    frames = encoded_frames(parser.parse_args().data)
    with tempfile.TemporaryDirectory(prefix="flawgate-bench-") as name:
        layout = Layout(REPOSITORY, Ports.free(), data_dir=Path(name) / "cluster")
        with running_cluster(layout, lambda _name, _line: None, ready_timeout_s=180):
            result = measure(layout, Path(name), frames)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)


if __name__ == "__main__":
    main()
