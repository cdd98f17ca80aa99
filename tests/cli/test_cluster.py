import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.pictures import spot_png
from support.ports import cluster_ports
from support.tiny_repository import write_spot

from flawgate_cli.inspecting.sending import Sender
from flawgate_cli.local_cluster import cluster as cluster_module
from flawgate_cli.local_cluster.cluster import LocalCluster, running_cluster
from flawgate_cli.local_cluster.layout import Layout
from flawgate_contracts.errors import RequestCancelled, Unavailable

NAMES = ("preprocessing", "decision", "gateway")
READY_S = 60.0


class Log:
    """What the processes said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        """Keep a line."""
        self.lines.append((name, line))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A cluster without Triton over the tiny repository."""
    write_spot(tmp_path)
    return Layout(tmp_path, cluster_ports(), model_server="onnxruntime", threads=1, data_dir=tmp_path / "gateway")


def until(met: Callable[[], bool], timeout_s: float = READY_S) -> Callable[[float], bool]:
    """What stops the watching: a condition, or its time being over."""
    deadline = time.monotonic() + timeout_s

    def stopped(seconds: float) -> bool:
        time.sleep(seconds)
        return met() or time.monotonic() > deadline

    return stopped


@pytest.fixture
def sender(layout: Layout) -> Iterator[Sender]:
    """Sends to that cluster's gateway."""
    sender = Sender(layout.url, "spot", retries=6)
    yield sender
    sender.close()


def test_a_cluster_inspects_heals_and_leaves_nothing_behind(layout: Layout, sender: Sender) -> None:
    """Started: a frame is inspected. A process killed: it is started again. Stopped: no process is left."""
    log = Log()
    with running_cluster(layout, log, ready_timeout_s=READY_S) as cluster:
        assert sender.inspect("a.png", spot_png(255)).evaluation == "NOT_OK"
        before = {name: cluster.pid(name) for name in NAMES}
        os.kill(before["preprocessing"], signal.SIGKILL)
        cluster.watch(until(lambda: cluster.pid("preprocessing") != before["preprocessing"]))
        assert ("preprocessing", "ended with status -9; it is started again") in log.lines
        assert sender.inspect("b.png", spot_png(0)).evaluation == "OK"
        after = {name: cluster.pid(name) for name in NAMES}
        assert {name for name in NAMES if before[name] != after[name]} == {"preprocessing"}
    assert not [pid for pid in (*before.values(), *after.values()) if psutil.pid_exists(pid)]
    assert {name for name, _ in log.lines} == set(NAMES)


def test_a_broken_start_names_the_process_and_its_last_lines(layout: Layout) -> None:
    """What a person needs to mend it; the processes that did start are stopped."""
    log = Log()
    broken = Layout(layout.model_repository, layout.ports, model_server="onnxruntime", log_level="loud")
    cluster = LocalCluster(broken, log)
    with pytest.raises(Unavailable, match=r"process \w+ ended with status 2(?s:.*)_LOG_LEVEL"):
        cluster.start(READY_S)
    pids = [cluster.pid(name) for name in NAMES]
    cluster.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_cluster_that_does_not_get_ready_says_what_is_missing(layout: Layout) -> None:
    """Not ready in time is an error of its own."""
    cluster = LocalCluster(layout, Log())
    with pytest.raises(Unavailable, match=r"not ready after 0\.1 s; the gateway does not answer"):
        cluster.start(0.1)
    cluster.stop()


def test_a_start_can_be_stopped(layout: Layout) -> None:
    """Ctrl-C does not wait until all is ready."""
    started = time.monotonic()
    cluster = LocalCluster(layout, Log())
    with pytest.raises(RequestCancelled, match="before it was ready"):
        cluster.start(READY_S, stopped=lambda seconds: True)
    cluster.stop()
    assert time.monotonic() - started < cluster_module.STOP_TIMEOUT_S


def test_a_process_that_ends_again_and_again_ends_the_cluster(layout: Layout) -> None:
    """Five times a minute, then it is an error with its last lines, not an endless loop."""
    cluster = LocalCluster(layout, Log())
    cluster._restarts["gateway"].extend([time.monotonic()] * cluster_module.MAX_RESTARTS)
    cluster.start(READY_S)
    try:
        os.kill(cluster.pid("gateway"), signal.SIGKILL)
        with pytest.raises(Unavailable, match=r"process gateway ended with status -9(?s:.*)5 times within a minute"):
            cluster.watch(until(lambda: False))
    finally:
        cluster.stop()
