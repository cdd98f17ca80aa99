"""What a stream of frames gains and costs: beside REST, beside the unary call, and as cameras become many.

    python benchmarks/stream.py [--data KOLEKTOR_SDD_FOLDER]

1. Frames per second of one stream ÷ those of REST clients, the same frames, as many on their way at once.
2. Milliseconds from a frame to its answer at half of that load: by the stream, and by the unary call of gRPC.
3. Cameras of 5 frames/s on one gateway whose services answer at once (`stream_fakes.py`), and what a frame costs it.

Rounds alternate, so that a noisy neighbour meets all; the median round counts. Writes out/bench/stream.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from cluster import encoded_frames
from gateway import CLIENTS, cpu_seconds, door, send_all
from rich.console import Console
from rich.table import Table
from stream_clients import many_cameras, streamed_ages, streamed_rate, unary_ages

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports
from flawgate_contracts.logs import configure_logging
from flawgate_imaging import textures
from flawgate_imaging.encoding import encode_jpeg, encode_png

REPOSITORY = Path("model_repository")
OUT = Path("out/bench/stream.json")
HEAVY, SMALL = "commutator", "leather"
SMALL_SIDE = 96
SMALL_FRAMES = 200
ROUNDS = 5
CAMERAS = (1, 10, 20, 30, 40, 50, 100)
CAMERA_RATE = 5.0
CAMERA_SECONDS = 8.0
CARRIED = 0.98
"""Share of its frames that a gateway must answer in time to carry so many cameras ..."""
CARRIED_AGE_S = 0.5
"""... and 95 % of them within so many seconds."""
WARM_UP = 4

Frames = Sequence[bytes]
Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine, all in one event loop: gRPC does not take it well when loops come and go."""


def small_frames() -> list[bytes]:
    """PNGs in the size of the small recipe's tensor."""
    samples = (textures.generate(seed, texture="leather", size=128).pixels for seed in range(40))
    pictures = [encode_png(pixels[:SMALL_SIDE, :SMALL_SIDE]) for pixels in samples]
    return [pictures[index % len(pictures)] for index in range(SMALL_FRAMES)]


def alternated(measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Each measure once a round, in turn, the first one another each round."""
    rounds: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(ROUNDS):
        for name in sorted(measures, reverse=number % 2 == 1):
            rounds[name].append(measures[name]())
    return rounds


class Counted:
    """Measures a rate, and what it costs a process: core-milliseconds a frame, of each round."""

    def __init__(self, process: psutil.Process, frames: int, rate: Callable[[], float]) -> None:
        self.core_ms: list[float] = []
        self._process, self._frames, self._rate = process, frames, rate

    def __call__(self) -> float:
        """The rate."""
        before = cpu_seconds(self._process)
        rate = self._rate()
        self.core_ms.append(1e3 * (cpu_seconds(self._process) - before) / self._frames)
        return rate


def throughput(
    run: Run, layout: Layout, gateway: psutil.Process, recipe: str, frames: Frames, content_type: str
) -> dict[str, Any]:
    """Frames per second by REST and by one stream, as many on their way at once; and what a frame costs the gateway."""
    port, target = layout.ports.gateway, f"127.0.0.1:{layout.ports.gateway_grpc}"
    path = f"/v1/inspections?recipe={recipe}"
    send_all(port, path, frames[:WARM_UP], content_type)
    run(streamed_rate(target, recipe, frames[:WARM_UP]))
    ways = {
        "rest": Counted(gateway, len(frames), lambda: send_all(port, path, frames, content_type)),
        "stream": Counted(gateway, len(frames), lambda: run(streamed_rate(target, recipe, frames))),
    }
    rounds = alternated(ways)
    ratios = [stream / rest for stream, rest in zip(rounds["stream"], rounds["rest"], strict=True)]
    rates = {name: round(statistics.median(values), 2) for name, values in rounds.items()}
    ratio = round(statistics.median(ratios), 3)
    return {
        "frames_per_s": rates,
        "stream_to_rest": ratio,
        "rounds": [round(each, 3) for each in ratios],
        "gateway_core_ms_a_frame": {name: round(statistics.median(way.core_ms), 2) for name, way in ways.items()},
        "in_flight": CLIENTS,
        "goal": 1.05,
    }


def latency(run: Run, layout: Layout, recipe: str, frames: Frames, rate: float) -> dict[str, Any]:
    """Milliseconds from a frame to its answer, by both ways, while frames come at a rate."""
    target = f"127.0.0.1:{layout.ports.gateway_grpc}"

    def p50_ms(ages: Callable[..., Any]) -> float:
        seconds: list[float] = run(ages(target, recipe, frames, rate))
        return 1e3 * statistics.median(seconds)

    rounds = alternated({"unary": lambda: p50_ms(unary_ages), "stream": lambda: p50_ms(streamed_ages)})
    added = [stream - unary for stream, unary in zip(rounds["stream"], rounds["unary"], strict=True)]
    p50 = {name: round(statistics.median(values), 2) for name, values in rounds.items()}
    return {
        "rate": round(rate, 2),
        "p50_ms": p50,
        "added_ms": round(statistics.median(added), 2),
        "rounds": [round(each, 2) for each in added],
        "goal": 5,
    }


@contextmanager
def fakes(ports: Ports) -> Iterator[psutil.Process]:
    """Preprocessing and decision that answer at once."""
    command = [sys.executable, "benchmarks/stream_fakes.py", str(ports.preprocessing), str(ports.decision), SMALL]
    child = subprocess.Popen(command)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


def crowds(run: Run, folder: Path) -> list[dict[str, Any]]:
    """More and more cameras on one gateway whose services answer at once."""
    ports = Ports.free()
    settings = {
        "access": "off-for-development",
        "port": ports.gateway,
        "grpc_port": ports.gateway_grpc,
        "metrics_port": 0,
        "preprocessing_target": f"127.0.0.1:{ports.preprocessing}",
        "decision_target": f"127.0.0.1:{ports.decision}",
        "triton_http_url": "",
        "data_dir": folder / "crowds",
        "log_level": "error",
    }
    samples = (textures.generate(seed, size=512).pixels for seed in range(20))
    frames = [encode_jpeg(pixels, 90) for pixels in samples]
    with fakes(ports) as services, door(["-m", "flawgate_gateway"], ports.gateway, settings) as gateway:
        crowd(run, ports, gateway, services, frames, 1)
        return [crowd(run, ports, gateway, services, frames, cameras) for cameras in CAMERAS]


def crowd(
    run: Run, ports: Ports, gateway: psutil.Process, services: psutil.Process, frames: Frames, cameras: int
) -> dict[str, Any]:
    """So many cameras for a while: how many frames came through, how late, and what they cost."""
    processes = {"gateway": gateway, "services": services, "cameras": psutil.Process()}
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    started = time.perf_counter()
    target = f"127.0.0.1:{ports.gateway_grpc}"
    given = run(many_cameras(target, SMALL, frames, cameras, CAMERA_RATE, CAMERA_SECONDS))
    took_s = time.perf_counter() - started
    ages_s = np.concatenate([each.ages_s for each in given])
    withheld = sum(each.withheld for each in given)
    spent = {name: cpu_seconds(process) - before[name] for name, process in processes.items()}
    p50, p95 = np.percentile(ages_s, (50, 95))
    answered = len(ages_s) / (len(ages_s) + withheld)
    return {
        "cameras": cameras,
        "frames": len(ages_s),
        "answered_share": round(answered, 4),
        "frames_per_s": round(len(ages_s) / took_s, 1),
        "age_p50_ms": round(1e3 * float(p50), 1),
        "age_p95_ms": round(1e3 * float(p95), 1),
        "core_ms_a_frame": {name: round(1e3 * seconds / len(ages_s), 3) for name, seconds in spent.items()},
        "gateway_rss_mb": round(gateway.memory_info().rss / 1e6),
        "carried": bool(answered >= CARRIED and p95 <= CARRIED_AGE_S),
    }


def measure(run: Run, folder: Path, frames: Frames) -> dict[str, Any]:
    """All three."""
    layout = Layout(REPOSITORY, Ports.free(), data_dir=folder / "cluster", log_level="error")
    result: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0]}
    with running_cluster(layout, lambda _name, _line: None, ready_timeout_s=180) as cluster:
        gateway = psutil.Process(cluster.pid("gateway"))
        for recipe, pictures, kind in ((HEAVY, frames, "image/jpeg"), (SMALL, small_frames(), "image/png")):
            rates = throughput(run, layout, gateway, recipe, pictures, kind)
            half = rates["frames_per_s"]["rest"] / 2
            result[recipe] = {"throughput": rates, "latency": latency(run, layout, recipe, pictures, half)}
    several = crowds(run, folder)
    result["crowds"] = several
    result["carried_cameras"] = max((each["cameras"] for each in several if each["carried"]), default=0)
    return result


def show(result: Mapping[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table(title="One stream beside REST and the unary call", title_justify="left")
    for heading in ("", "stream", "REST / unary", "", "goal"):
        table.add_column(heading, justify="right")
    for recipe in (HEAVY, SMALL):
        fast, late = result[recipe]["throughput"], result[recipe]["latency"]
        rates, ages = fast["frames_per_s"], late["p50_ms"]
        ratio, added = f"{fast['stream_to_rest']}", f"{late['added_ms']:+} ms"
        table.add_row(f"{recipe}, frames/s", str(rates["stream"]), str(rates["rest"]), ratio, f"≥ {fast['goal']}")
        spent = fast["gateway_core_ms_a_frame"]
        table.add_row(f"{recipe}, gateway's core-ms a frame", str(spent["stream"]), str(spent["rest"]), "", "")
        name = f"{recipe}, p50 ms at {late['rate']:.3g}/s"
        table.add_row(name, str(ages["stream"]), str(ages["unary"]), added, f"< {late['goal']} ms")
    console.print(table)
    crowd_table = Table(title="Cameras of 5 frames/s on one gateway, inference taken out", title_justify="left")
    for heading in ("cameras", "frames/s", "answered", "p50 ms", "p95 ms", "gateway, core-ms a frame", "gateway, MB"):
        crowd_table.add_column(heading, justify="right")
    for each in result["crowds"]:
        cells = (each["age_p50_ms"], each["age_p95_ms"], each["core_ms_a_frame"]["gateway"], each["gateway_rss_mb"])
        share = f"{each['answered_share']:.1%}"
        crowd_table.add_row(str(each["cameras"]), str(each["frames_per_s"]), share, *map(str, cells))
    console.print(crowd_table)
    console.print(f"It carries {result['carried_cameras']} cameras on {result['cores']} cores. Written to {OUT}.")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    frames = encoded_frames(parser.parse_args().data)
    configure_logging("benchmark", "error")
    with tempfile.TemporaryDirectory(prefix="flawgate-bench-") as name, asyncio.Runner() as runner:
        result = measure(runner.run, Path(name), frames)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)


if __name__ == "__main__":
    main()
