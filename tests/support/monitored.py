"""A whole line under a real Prometheus: cluster, cameras, sinks, database, and all that can go wrong with them."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flawgate_camera.simulate.fault_proxy import FaultProxy, fault_proxy
from flawgate_cli.local_cluster.layout import Layout, ProcessSpec
from flawgate_cli.local_cluster.process import Process
from support.alert_log import AlertLog, alert_log
from support.background import Background, background
from support.cluster import TRITON_PYTHON
from support.line_recipes import STEADY, SWAPPED, WATCHED, good_parts, write_recipes
from support.outbox import secret_file
from support.ports import cluster_ports, free_port
from support.postgres import PostgresServer, postgres_server
from support.prometheus import SCRAPE_MS, Prometheus, installed, running_prometheus, write_configuration
from support.restartable import RestartableCluster, restartable_cluster
from support.static_metrics import StaticMetrics, static_metrics
from support.traffic import Traffic, flowing
from support.webhook_receiver import WebhookReceiver, webhook_receiver

CAMERAS = {"kept": "lossless", "fresh": "latest", "silent": "lossless", "unplugged": "lossless"}
"""Camera → its policy of delivery."""
UNLIT = "unlit"
"""A station that loses its light."""
BUSIEST = ("first", "second", "third")
"""Stations of the recipe whose distributions are watched, which takes many frames."""
STATIONS = {STEADY: STEADY, SWAPPED: SWAPPED, UNLIT: STEADY, **dict.fromkeys(BUSIEST, WATCHED)}
"""Station → its recipe."""
SINKS = ("busy", "refusing")
STALENESS_MS = 5000

_CAMERA = """
[[cameras]]
name = "{name}"
station = "S4"
recipe = "{recipe}"
source = {{ kind = "folder", path = "{folder}", after = "delete", poll_s = 0.05, settle_s = 0.0 }}
delivery = {{ {delivery} }}
health = {{ retry_max_s = 1.0 }}
"""
_SINK = """
[[sinks]]
name = "{name}"
kind = "webhook"
url = "{url}"
secret_files = ["{secret}"]
types = ["org.flawgate.inspection.completed.v1"]
timeout_s = 1.0
retry_delays_s = [0.05, 0.05]
unreachable_delay_s = 0.5
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What runs.

    Attributes:
        folder: of all files; the model repository is `repository` there, the archive `archive`.
        cluster: its processes.
        preprocessing: the network between gateway and preprocessing.
        database: of the records.
        sinks: who receives events, by name.
        cameras: folder of each camera, by name.
        camera_port: of the metrics of the agent beside them.
        stand_ins: by job, a target that says what cannot be caused.
        traffic: the frames that are sent.
        background: the loop of what is served here.
    """

    folder: Path
    cluster: RestartableCluster
    preprocessing: FaultProxy
    database: PostgresServer
    sinks: dict[str, WebhookReceiver]
    cameras: dict[str, Path]
    camera_port: int
    stand_ins: dict[str, StaticMetrics]
    traffic: Traffic
    background: Background

    @property
    def repository(self) -> Path:
        """The model repository."""
        return self.folder / "repository"


@contextmanager
def monitored_line(folder: Path) -> Iterator[Line]:
    """A line, running and ready, with all its files in a folder.

    Skips the test where Prometheus, Triton or PostgreSQL is not installed.
    """
    installed()
    if not TRITON_PYTHON.exists():
        pytest.skip("Triton's environment is not installed: run `make setup`")
    write_recipes(folder / "repository")
    with ExitStack() as stack:
        database = stack.enter_context(postgres_server())
        loop = stack.enter_context(background())
        sinks = {name: loop.enter(webhook_receiver()) for name in SINKS}
        layout = _layout(folder)
        proxy = loop.enter(fault_proxy(f"127.0.0.1:{layout.ports.preprocessing}"))
        settings = {"gateway": _gateway(folder, database, sinks, proxy), "decision": _DECISION}
        cluster = stack.enter_context(restartable_cluster(layout, settings))
        cameras = _camera_folders(folder)
        port = stack.enter_context(_agent(folder, cameras, layout.ports.gateway_grpc, cluster.lines))
        stand_ins = {job: stack.enter_context(static_metrics()) for job in ("triton", "decision")}
        good = good_parts()
        going = Traffic(STATIONS, dict.fromkeys(STATIONS, good), dict.fromkeys(cameras.values(), good))
        stack.enter_context(flowing(going, layout.url))
        yield Line(folder, cluster, proxy, database, sinks, cameras, port, stand_ins, going, loop)


def _layout(folder: Path) -> Layout:
    return Layout(
        folder / "repository",
        cluster_ports(),
        triton_python=TRITON_PYTHON,
        data_dir=folder / "data",
        log_level="warning",
    )


_DECISION: dict[str, object] = {"DECISION_GOLDEN_INTERVAL_S": 1.0, "DECISION_PROBE_INTERVAL_S": 0.25}


def _gateway(
    folder: Path, database: PostgresServer, sinks: dict[str, WebhookReceiver], proxy: FaultProxy
) -> dict[str, object]:
    secret = secret_file(folder)
    file = folder / "sinks.toml"
    file.write_text("".join(_SINK.format(name=name, url=sink.url, secret=secret) for name, sink in sinks.items()))
    return {
        "GATEWAY_DATABASE_URL": database.new_database(),
        "GATEWAY_SINKS_FILE": file,
        "GATEWAY_PREPROCESSING_TARGET": f"127.0.0.1:{proxy.port}",
        "GATEWAY_ARCHIVE_URL": folder / "archive",
        "GATEWAY_ARCHIVE_MAX_BYTES": 4_000_000,
        "GATEWAY_KEEP_NOT_OK_DAYS": 20 / 86_400,
        "GATEWAY_PURGE_INTERVAL_S": 1.0,
        "GATEWAY_MAX_IN_PROGRESS": 8,
        "GATEWAY_MAX_WAITING": 8,
    }


def _camera_folders(folder: Path) -> dict[str, Path]:
    folders = {name: folder / "cameras" / name for name in CAMERAS}
    for path in folders.values():
        path.mkdir(parents=True)
    return folders


@contextmanager
def _agent(folder: Path, cameras: dict[str, Path], gateway_port: int, lines: list[str]) -> Iterator[int]:
    """The agent beside the cameras; gives the port of its metrics."""
    port = free_port()
    file = folder / "cameras.toml"
    deliveries = {"lossless": 'policy = "lossless"', "latest": f'policy = "latest", staleness_ms = {STALENESS_MS}'}
    tables = [
        _CAMERA.format(name=name, recipe=STEADY, folder=path, delivery=deliveries[CAMERAS[name]])
        for name, path in cameras.items()
    ]
    head = f'[agent]\nmetrics_port = {port}\ndata_dir = "{folder / "spool"}"\n'
    file.write_text(f'{head}[gateway]\ntarget = "127.0.0.1:{gateway_port}"\n' + "".join(tables))
    command = [sys.executable, "-m", "flawgate_cli", "camera", "run", str(file)]
    agent = Process(ProcessSpec("camera", command, {}), lambda name, line: lines.append(f"{name}: {line}"))
    try:
        yield port
    finally:
        agent.terminate()
        agent.end(20.0)


@contextmanager
def watched(
    line: Line, folder: Path, factor: float, scrape_ms: int = SCRAPE_MS
) -> Iterator[tuple[Prometheus, AlertLog]]:
    """A Prometheus over the line, with times divided by the factor, and a log of its alerts."""
    port, ports = free_port(), line.cluster.layout.ports
    moved = {9080: ports.gateway_metrics, 9082: ports.preprocessing_metrics, 9083: ports.decision_metrics}
    moved |= {8002: ports.triton_metrics, 9090: port}
    more = [("camera", line.camera_port), *((job, target.port) for job, target in line.stand_ins.items())]
    write_configuration(folder, factor, moved, more, scrape_ms)
    with running_prometheus(folder, port) as prometheus, alert_log(prometheus) as log:
        yield prometheus, log
