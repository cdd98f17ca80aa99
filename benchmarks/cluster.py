"""The whole cluster over REST against plain ONNX Runtime in one process, on the same cores, in the same run.

    python benchmarks/cluster.py [--data KOLEKTOR_SDD_FOLDER]

Rounds of both alternate, so that a noisy neighbour meets both; the median round counts. Writes out/bench/cluster.json.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from rich.console import Console
from rich.table import Table
from scrape import scrape, stages
from tritonclient.grpc import model_config_pb2

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_contracts.steps import STEPS
from flawgate_imaging import textures
from flawgate_imaging.encoding import encode_jpeg

RECIPE = "commutator"
REPOSITORY = Path("model_repository")
OUT = Path("out/bench/cluster.json")
FRAMES = 40
ROUNDS = 3
CLIENTS = 4
"""Enough to keep every service busy: while two frames are in the models, two are on their way."""


class Yardstick:
    """`in_process.py`, in a process of its own."""

    def __init__(self, recipe: Recipe, files: Sequence[Path]) -> None:
        steps = STEPS.dump_json(recipe.steps).decode()
        cores = str(len(os.sched_getaffinity(0)))
        script = str(Path(__file__).with_name("in_process.py"))
        graphs = [str(REPOSITORY / model.name / model.version / "model.onnx") for model in recipe.models]
        command = [sys.executable, script, *graphs, steps, cores, *map(str, files)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self) -> tuple[list[float], dict[str, float]]:
        """Seconds of each frame, and frames per second for each way to use the cores."""
        return self._ask("latency"), self._ask("throughput")

    def close(self) -> None:
        """End the process."""
        self._child.communicate(timeout=60)

    def _ask(self, kind: str) -> Any:
        assert self._child.stdin is not None and self._child.stdout is not None  # noqa: S101, PT018  # pipes, see above
        self._child.stdin.write(json.dumps(kind) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())


def post(connection: http.client.HTTPConnection, data: bytes) -> None:
    """Inspect one frame; the plainest client there is, since it runs on the same cores."""
    connection.request("POST", f"/v1/inspections?recipe={RECIPE}", data, {"content-type": "image/jpeg"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.CREATED:
        raise RuntimeError(f"status {answer.status}: {body!r}")


def one_client(port: int, frames: Sequence[bytes]) -> list[float]:
    """Seconds of each frame, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds = []
    for data in frames:
        started = time.perf_counter()
        post(connection, data)
        seconds.append(time.perf_counter() - started)
    connection.close()
    return seconds


def saturating_clients(port: int, frames: Sequence[bytes]) -> float:
    """Frames per second of `CLIENTS` clients at once."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as executor:
        list(executor.map(lambda share: one_client(port, share), [frames[i::CLIENTS] for i in range(CLIENTS)]))
    return len(frames) / (time.perf_counter() - started)


def encoded_frames(data: Path | None) -> list[bytes]:
    """JPEGs of real commutators, or else of generated textures in their size."""
    if data is not None:
        files = sorted(data.glob("kos*/Part*.jpg"))
        return [path.read_bytes() for path in files[:: len(files) // FRAMES][:FRAMES]]
    samples = (textures.generate(seed, size=1264).pixels[:, :500] for seed in range(FRAMES))
    return [encode_jpeg(pixels, 95) for pixels in samples]


def read_recipe() -> Recipe:
    """The recipe under test, from the model repository."""
    text = (REPOSITORY / RECIPE / "config.pbtxt").read_text("utf-8")
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    return Recipe.from_json(config.parameters[RECIPE_PARAMETER].string_value, source=RECIPE)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    parser.add_argument("--model-server", choices=("triton", "onnxruntime"), default="triton")
    arguments = parser.parse_args()
    frames = encoded_frames(arguments.data)
    recipe = read_recipe()
    layout = Layout(REPOSITORY, Ports.free(), model_server=arguments.model_server)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{index}.jpg") for index in range(len(frames))]
        for path, data in zip(files, frames, strict=True):
            path.write_bytes(data)
        yardstick = Yardstick(recipe, files)
        with running_cluster(layout, lambda _name, _line: None, ready_timeout_s=180):
            result = measure(yardstick, layout, frames)
        yardstick.close()
    result["frames"] = "KolektorSDD" if arguments.data else "generated"
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)


def measure(yardstick: Yardstick, layout: Layout, frames: Sequence[bytes]) -> dict[str, Any]:
    """Alternate rounds of both; gives the figures of `cluster.json`."""
    port = layout.ports.gateway
    one_client(port, frames[:5])
    plain: list[tuple[list[float], dict[str, float]]] = []
    cluster: list[tuple[list[float], float]] = []
    single: list[dict[str, float]] = []
    saturated: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        plain.append(yardstick.measure())
        before = scrape(layout.ports)
        latencies = one_client(port, frames)
        between = scrape(layout.ports)
        cluster.append((latencies, saturating_clients(port, [*frames, *frames])))
        single.append(stages(before, between, RECIPE))
        saturated.append(stages(between, scrape(layout.ports), RECIPE))
    ways = {way: statistics.median(rates[way] for _, rates in plain) for way in plain[0][1]}
    best = max(ways, key=lambda way: ways[way])
    plain_p50 = statistics.median(statistics.median(seconds) for seconds, _ in plain)
    cluster_p50 = statistics.median(statistics.median(seconds) for seconds, _ in cluster)
    cluster_rate = statistics.median(rate for _, rate in cluster)
    return {
        "throughput_ratio": round(cluster_rate / ways[best], 3),
        "p50_ratio": round(cluster_p50 / plain_p50, 3),
        "stages": _medians(single),
        "stages_saturated": _medians(saturated),
        "cluster": {"frames_per_s": round(cluster_rate, 2), "p50_ms": round(cluster_p50 * 1e3, 1)},
        "in_process": {"frames_per_s": round(ways[best], 2), "p50_ms": round(plain_p50 * 1e3, 1)},
        "in_process_ways": {way: round(rate, 2) for way, rate in ways.items()},
        "clients": CLIENTS,
        "rounds": ROUNDS,
        "cores": len(os.sched_getaffinity(0)),
    }


def _medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {stage: round(statistics.median(r[stage] for r in rounds), 2) for stage in rounds[0]}


def show(result: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    ratios = Table(title="Cluster over REST ÷ plain ONNX Runtime in one process", title_justify="left")
    for heading in ("", "cluster", "one process", "ratio", "goal"):
        ratios.add_column(heading, justify="right")
    for key, ratio, goal in (("frames_per_s", "throughput_ratio", "≥ 0.85"), ("p50_ms", "p50_ratio", "≤ 1.25")):
        ratios.add_row(key, str(result["cluster"][key]), str(result["in_process"][key]), str(result[ratio]), goal)
    console.print(ratios)
    ways = ", ".join(f"{way} {rate} frames/s" for way, rate in result["in_process_ways"].items())
    console.print(f"one process: {ways}", highlight=False)
    table = Table(title="Where the time of a frame goes, mean ms (the cluster's own metrics)", title_justify="left")
    table.add_column("stage")
    table.add_column("one client", justify="right")
    table.add_column(f"{result['clients']} clients", justify="right")
    for stage, value in result["stages"].items():
        table.add_row(stage, f"{value:.2f}", f"{result['stages_saturated'][stage]:.2f}")
    console.print(table)
    console.print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
