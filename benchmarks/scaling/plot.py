"""The figure of docs/scaling.md: p95 against load, predicted, with the measured points on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import simpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling.calibration import Calibration
from scaling.costs import GPU_SHARE, Costs
from scaling.host import predicted_behind_a_balancer
from scaling.simulator import Way, percentile, poisson, simulate
from scaling.stations import Batching, Cost, Gpu
from scaling.tables import LARGE

mpl.use("svg")
PICTURE = Path("docs/scaling/p95.svg")
HOSTS = (1, 2, 4)
LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
FRAMES = 2_500
"""Of each point, for so long as they take to come."""
SHOWN_MS = 1_000.0
GPU_SHOWN_MS = 60.0
STYLE = {"svg.hashsalt": "flawgate", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
"""The salt is fixed, so that the same figures give the same file."""
COLOURS = ("#0072b2", "#e69f00", "#009e73")
"""Okabe and Ito's, told apart by everybody."""
LARGEST, WAIT_S, BATCH_S = 4, 500e-6, 1e-3
"""`max_batch_size` and queue delay of tensorrt.pbtxt; and, assumed, what a batch takes beside its frames."""


class Triton:
    """GPUs, each with a Triton; frames go to them in turn. Nothing else."""

    gate = None
    deadline_s = 10.0

    def __init__(self, env: simpy.Environment, gpus: int, batching: Batching) -> None:
        self._gpus = [Gpu(env, batching) for _ in range(gpus)]

    def way(self, number: int) -> Way:
        """See `Cluster`."""
        return Way((), [(self._gpus[number % len(self._gpus)], Cost(0.0))])


def host_curve(calibration: Calibration, hosts: int) -> list[tuple[float, float]]:
    """(frames a second, p95 in ms) of so many hosts like the measured one."""
    curve = []
    for load in LOADS:
        rate = load * hosts * calibration.capacity
        moments = poisson(rate, FRAMES / rate, seed=hosts)
        latencies = predicted_behind_a_balancer(calibration, moments, hosts=hosts, seed=hosts)
        curve.append((rate, 1e3 * percentile(latencies, 0.95)))
    return curve


def gpu_curve(gpus: int, gpu_ms: float) -> list[tuple[float, float]]:
    """(frames a second, p95 in ms of Triton's part) of GPUs that take so long for a frame of a full batch."""
    batching = Batching(LARGEST, WAIT_S, BATCH_S, gpu_ms / 1e3 - BATCH_S / LARGEST)
    curve = []
    for load in LOADS:
        rate = load * gpus * 1e3 / gpu_ms
        result = simulate(poisson(rate, FRAMES / rate, seed=gpus), lambda env: Triton(env, gpus, batching))
        curve.append((rate, result.percentile_ms(0.95)))
    return curve


def draw(measured: Mapping[str, Any], path: Path = PICTURE) -> None:
    """Write the figure."""
    calibration = Calibration.from_json(measured["calibration"])
    gpu_ms = Costs.of(measured).recipes[LARGE].gpu_ms(GPU_SHARE)
    # The same figures give the same file.
    with mpl.rc_context(
        {"svg.hashsalt": "flawgate", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(9, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for hosts, colour in zip(HOSTS, COLOURS, strict=True):
            _line(left, host_curve(calibration, hosts), colour, f"{hosts} host{'s' * (hosts > 1)} of 2 cores")
        _points(left, measured["levels"])
        _dress(left, "Whole cluster, on CPUs", "p95 of an inspection, ms", SHOWN_MS)
        if gpu_ms is not None:
            for gpus, colour in zip(HOSTS, COLOURS, strict=True):
                _line(right, gpu_curve(gpus, gpu_ms), colour, f"{gpus} GPU{'s' * (gpus > 1)}")
        _dress(right, "Triton alone, on GPUs: assumed times", "p95 in Triton, ms", GPU_SHOWN_MS)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})


def _line(axes: Axes, curve: Sequence[tuple[float, float]], colour: str, label: str) -> None:
    axes.plot(*zip(*curve, strict=True), color=colour, label=label, linewidth=1.6)


def _points(axes: Axes, levels: Sequence[Mapping[str, Any]]) -> None:
    chance = [level for level in levels if level["arrivals"] == "poisson"]
    rates, p95s = [each["frames_per_s"] for each in chance], [each["measured_ms"]["p95"] for each in chance]
    axes.plot(rates, p95s, "ko", markersize=5, label="measured, 1 host")


def _dress(axes: Axes, title: str, label: str, highest: float) -> None:
    axes.set(title=title, xlabel="frames/s, arriving by chance", ylabel=label, ylim=(0, highest), xlim=(0, None))
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
