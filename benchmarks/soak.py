"""Eight cameras on the real cluster for ten minutes, with faults: does the table add up, does memory stay flat?

    python benchmarks/soak.py [--seconds 600] [--takt 1.0]

Five cameras of `lossless` and three of `latest`, each group a process of `flawgate simulate`. Meanwhile the network is
cut for a minute, the gateway is killed (-9) and started again, the network stands still for a while with no connection
ended, and a viewer of the station's events never reads. Writes out/bench/soak.json; exit status 1 where something does
not add up, or grows.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from flawgate_cli.local_cluster.cluster import LocalCluster, running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports

REPOSITORY = Path("model_repository")
OUT = Path("out/bench/soak.json")
RECIPE = "texture"
GROUPS = {"lossless": 5, "latest": 3}
"""Policy → cameras."""
SAMPLE_S = 1.0
SETTLE_S = 600.0
"""For what `lossless` has kept to be answered at the end."""
GROWTH = 0.1
"""Share by which memory may grow from the first to the last part of the time looked at, and ..."""
GROWTH_MB = 15.0
"""... megabytes that it may grow in any case: an allocator keeps some."""
PARTS = 5
WARM_S = 45.0
"""A process is looked at from so many seconds after its start."""


@dataclass
class Memory:
    """Megabytes of a process, over time."""

    at_s: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Medians of five parts of the time, once it is warm; flat where the last is hardly more than the first."""
        warm = [mb for at_s, mb in zip(self.at_s, self.mb, strict=True) if at_s >= self.at_s[0] + WARM_S] or self.mb
        length = -(-len(warm) // PARTS)
        parts = [round(statistics.median(warm[at : at + length]), 1) for at in range(0, len(warm), length)]
        first, last = parts[0], parts[-1]
        return {
            "parts_mb": parts,
            "most_mb": round(max(self.mb), 1),
            "seconds": round(self.at_s[-1] - self.at_s[0]),
            "flat": bool(last - first <= max(GROWTH * first, GROWTH_MB)),
        }


class Sampler:
    """Looks at the memory of processes; one that is started again counts as another."""

    def __init__(self) -> None:
        self.memories: dict[tuple[str, int], Memory] = {}
        self._began = time.monotonic()

    def sample(self, pids: Mapping[str, int]) -> None:
        """Look once."""
        for name, pid in pids.items():
            try:
                resident = psutil.Process(pid).memory_info().rss
            except psutil.NoSuchProcess:
                continue
            memory = self.memories.setdefault((name, pid), Memory())
            memory.at_s.append(time.monotonic() - self._began)
            memory.mb.append(resident / 1e6)

    def facts(self) -> list[dict[str, Any]]:
        """Of each process."""
        return [{"process": name, **memory.facts()} for (name, _), memory in self.memories.items()]


def simulate(
    layout: Layout, policy: str, cameras: int, takt_s: float, seconds: float, faults: str
) -> "subprocess.Popen[str]":
    """A group of cameras, as a process."""
    ports = layout.ports
    options = {
        "recipe": RECIPE,
        "cameras": cameras,
        "takt": takt_s,
        "seconds": seconds,
        "delivery": policy,
        "staleness": 2 * takt_s,
        "faults": faults,
        "settle": SETTLE_S,
        "station": policy,
        "gateway": f"127.0.0.1:{ports.gateway_grpc}",
        "url": layout.url,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "flawgate_cli", "simulate", *words, "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def silent_viewer(port: int, station: str) -> socket.socket:
    """A viewer of a station's events who never reads them."""
    viewer = socket.socket()
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    viewer.connect(("127.0.0.1", port))
    viewer.sendall(f"GET /v1/stations/{station}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return viewer


@contextmanager
def kept_running(cluster: LocalCluster) -> Iterator[None]:
    """Start again what ends, as `flawgate up` does."""
    stop = threading.Event()
    keeper = threading.Thread(target=cluster.watch, args=(stop.wait,))
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def soak(layout: Layout, cluster: LocalCluster, seconds: float, takt_s: float) -> dict[str, Any]:
    """Run the groups, with faults; gives what they say, and how memory went."""
    faults = f"cut@{0.2 * seconds:.1f}+{0.1 * seconds:.1f},stall@{0.7 * seconds:.1f}+{0.04 * seconds:.1f}"
    kill_at_s = seconds / 2
    groups = {name: simulate(layout, name, cameras, takt_s, seconds, faults) for name, cameras in GROUPS.items()}
    viewers = [silent_viewer(layout.ports.gateway, name) for name in GROUPS]
    sampler = Sampler()
    _watch(cluster, groups, sampler, kill_at_s)
    for viewer in viewers:
        viewer.close()
    # What they print is shorter than a pipe is long, so nobody waited.
    told = {name: json.loads(child.communicate()[0]) for name, child in groups.items()}
    return {"faults": f"{faults},kill@{kill_at_s:g}", "groups": told, "memory": sampler.facts()}


def _watch(
    cluster: LocalCluster, groups: Mapping[str, "subprocess.Popen[str]"], sampler: Sampler, kill_at_s: float
) -> None:
    """Look at the memory of all until the groups have ended; kill the gateway once."""
    kill_at = time.monotonic() + kill_at_s
    while any(child.poll() is None for child in groups.values()):
        time.sleep(SAMPLE_S)
        sampler.sample({"gateway": cluster.pid("gateway"), **{name: child.pid for name, child in groups.items()}})
        if time.monotonic() >= kill_at:
            os.kill(cluster.pid("gateway"), signal.SIGKILL)
            kill_at = float("inf")


def verdicts(result: Mapping[str, Any]) -> dict[str, bool]:
    """What must hold, by its name."""
    groups = result["groups"]
    kept = [camera for camera in groups["lossless"]["cameras"] if camera["dropped"] or camera["missed"]]
    return {
        "the sums add up": all(group["adds_up"] for group in groups.values()),
        "the gateway has the same on record": all(group["gateway_agrees"] is True for group in groups.values()),
        "lossless dropped and missed nothing": not kept,
        "every camera was cut off": all(c["reconnects"] for group in groups.values() for c in group["cameras"]),
        "memory is flat": all(memory["flat"] for memory in result["memory"]),
    }


def show(result: Mapping[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table(title=f"{result['seconds']:g} s, {result['faults']}", title_justify="left")
    for heading in ("", "frames", "results", "dropped", "p95 s", "reopened", "replayed"):
        table.add_column(heading, justify="right")
    for policy, group in result["groups"].items():
        for camera in group["cameras"]:
            cells: Sequence[Any] = (camera["frames"], camera["results"], sum(camera["dropped"].values()))
            rest = (camera["age_p95_s"], camera["reconnects"], camera["replayed"])
            table.add_row(f"{policy} {camera['camera']}", *map(str, (*cells, *rest)))
    console.print(table)
    for memory in result["memory"]:
        flat = "flat" if memory["flat"] else "GROWS"
        told = f"{' → '.join(map(str, memory['parts_mb']))} MB in {memory['seconds']} s"
        console.print(f"{memory['process']}: {told}, {flat}", highlight=False)
    for name, holds in result["verdicts"].items():
        console.print(f"{'yes' if holds else 'NO '} {name}", style="" if holds else "bold red", highlight=False)


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--takt", type=float, default=1.0, help="seconds from part to part")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flawgate-soak-") as name:
        layout = Layout(REPOSITORY, Ports.free(), data_dir=Path(name), log_level="error")
        with running_cluster(layout, lambda _name, _line: None, ready_timeout_s=240) as cluster, kept_running(cluster):
            result = soak(layout, cluster, arguments.seconds, arguments.takt)
    result = {"seconds": arguments.seconds, "takt_s": arguments.takt, "load": os.getloadavg()[1], **result}
    result["verdicts"] = verdicts(result)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)
    if not all(result["verdicts"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
