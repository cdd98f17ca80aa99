"""What metrics, logs and traces cost: one cluster with all of them, one with none, the same frames through both.

    python benchmarks/observability.py [--data KOLEKTOR_SDD_FOLDER] [--rounds N]

With: every metric, scraped every 5 seconds; an access line and all others at the level info; spans by the default share
to a collector of this process. Without: `observability_off.py`, errors alone in the log. Rounds alternate, so that a
noisy neighbour meets both. Writes out/bench/observability.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
from cluster import encoded_frames
from gateway import send_all
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from rich.console import Console
from rich.table import Table

from flawgate_cli.local_cluster.layout import Layout, Ports, ProcessSpec, process_specs
from flawgate_cli.local_cluster.process import Process

REPOSITORY = Path("model_repository")
RECIPE = "commutator"
OUT = Path("out/bench/observability.json")
START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 20.0
SCRAPE_S = 5.0
PASSES = 3
"""Of all frames in one round: a short round says more of its neighbours than of itself."""
SERVICES = ("preprocessing", "decision", "gateway")
GOAL = 0.97
"""Of the throughput of a cluster without."""


Figures = tuple[float, float, float]


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes every span, and counts them."""

    def __init__(self) -> None:
        self.spans = 0

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # the name of the proto
        """See the proto."""
        del context
        self.spans += sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector, and its address."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(1).wait()


@contextmanager
def scraping(ports: Ports) -> Iterator[None]:
    """Asks for all metrics, as Prometheus does."""
    stopped = threading.Event()
    asked = (ports.gateway_metrics, ports.preprocessing_metrics, ports.decision_metrics, ports.triton_metrics)

    def work() -> None:
        with httpx.Client(trust_env=False) as client:
            while not stopped.wait(SCRAPE_S):
                for port in asked:
                    client.get(f"http://127.0.0.1:{port}/metrics").raise_for_status()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def traced(spec: ProcessSpec, endpoint: str) -> ProcessSpec:
    """The same process, which sends its spans."""
    return replace(spec, environment={**spec.environment, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})


def quiet(spec: ProcessSpec) -> ProcessSpec:
    """The same process without anything to see of it."""
    if spec.name not in SERVICES:
        return spec
    command = [sys.executable, "benchmarks/observability_off.py", f"flawgate_{spec.name}"]
    return replace(spec, command=command)


@contextmanager
def running(specs: Sequence[ProcessSpec], url: str) -> Iterator[Mapping[str, psutil.Process]]:
    """The processes, once a frame can be inspected."""
    processes = [Process(spec, lambda _name, _line: None) for spec in specs]
    try:
        wait_until_ready(url)
        yield {each.spec.name: psutil.Process(each.pid) for each in processes}
    finally:
        for each in reversed(processes):
            each.terminate()
        for each in processes:
            each.end(STOP_TIMEOUT_S)


def wait_until_ready(url: str) -> None:
    """Wait until the gateway says so."""
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise RuntimeError(f"nobody is ready at {url}")


def cpu_s(processes: Mapping[str, psutil.Process]) -> tuple[float, float]:
    """What our services, and what all processes with Triton's, have used of the cores so far, in seconds."""
    used = {
        name: sum(_own(each) for each in (root, *root.children(recursive=True))) for name, root in processes.items()
    }
    return sum(used[name] for name in SERVICES), sum(used.values())


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def one_round(port: int, processes: Mapping[str, psutil.Process], frames: Sequence[bytes]) -> Figures:
    """Frames per second, and core-milliseconds for each frame: of our services, and of all with Triton."""
    before = cpu_s(processes)
    rate = send_all(port, f"/v1/inspections?recipe={RECIPE}", frames, "image/jpeg")
    services, whole = ((now - then) / len(frames) * 1000 for now, then in zip(cpu_s(processes), before, strict=True))
    return rate, services, whole


def measure(folder: Path, frames: Sequence[bytes], rounds: int) -> dict[str, Any]:
    """Both clusters, round by round."""
    layouts = {
        "with": Layout(REPOSITORY, Ports.free(), data_dir=folder / "with"),
        "without": Layout(REPOSITORY, Ports.free(), data_dir=folder / "without", log_level="error"),
    }
    measured: dict[str, list[Figures]] = {name: [] for name in layouts}
    with ExitStack() as stack:
        collector, endpoint = stack.enter_context(collecting())
        specs = {
            "with": [traced(spec, endpoint) for spec in process_specs(layouts["with"])],
            "without": [quiet(spec) for spec in process_specs(layouts["without"])],
        }
        clusters = {name: stack.enter_context(running(specs[name], layouts[name].url)) for name in layouts}
        stack.enter_context(scraping(layouts["with"].ports))
        for number in range(rounds + 1):
            for name in sorted(layouts, reverse=bool(number % 2)):
                result = one_round(layouts[name].ports.gateway, clusters[name], frames)
                # The first round warms both up.
                measured[name] += [result] if number else []
        return summed_up(measured, collector.spans)


def summed_up(measured: Mapping[str, Sequence[Figures]], spans: int) -> dict[str, Any]:
    """Medians over the rounds, and of the rounds' ratios."""
    ratios = sorted(one[0] / other[0] for one, other in zip(measured["with"], measured["without"], strict=True))
    medians = {
        name: [round(statistics.median(each), 3) for each in zip(*rows, strict=True)] for name, rows in measured.items()
    }
    return {
        "recipe": RECIPE,
        "frames_per_s": {name: figures[0] for name, figures in medians.items()},
        "service_core_ms_a_frame": {name: figures[1] for name, figures in medians.items()},
        "core_ms_a_frame": {name: figures[2] for name, figures in medians.items()},
        "core_ms_ratio": round(medians["without"][2] / medians["with"][2], 4),
        "ratio": round(statistics.median(ratios), 4),
        "ratios": [round(each, 4) for each in ratios],
        "goal": GOAL,
        "spans": spans,
    }


def show(result: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    table = Table(title=f"Metrics, logs and traces, {RECIPE}", title_justify="left")
    for heading in ("", "with", "without", "ratio", "goal"):
        table.add_column(heading, justify="right")
    rates, cores, whole = (result[name] for name in ("frames_per_s", "service_core_ms_a_frame", "core_ms_a_frame"))
    table.add_row("frames/s", f"{rates['with']:.2f}", f"{rates['without']:.2f}", f"{result['ratio']:.3f}", f"≥ {GOAL}")
    table.add_row("services, core-ms a frame", f"{cores['with']:.2f}", f"{cores['without']:.2f}", "", "")
    ratio = f"{result['core_ms_ratio']:.3f}"
    table.add_row("all, core-ms a frame", f"{whole['with']:.1f}", f"{whole['without']:.1f}", ratio, f"≥ {GOAL}")
    console = Console()
    console.print(table)
    console.print(
        f"Rounds from {result['ratios'][0]} to {result['ratios'][-1]}; {result['spans']} spans. Written to {OUT}."
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    parser.add_argument("--rounds", type=int, default=7, help="of each cluster")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flawgate-bench-") as name:
        result = measure(Path(name), encoded_frames(arguments.data) * PASSES, arguments.rounds)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)


if __name__ == "__main__":
    main()
