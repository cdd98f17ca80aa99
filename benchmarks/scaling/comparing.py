"""A cluster that runs, calibrated, and held against the simulator."""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from flawgate_cli.local_cluster.cluster import LocalCluster
from scaling.calibration import STAGES, Calibration, ServiceName
from scaling.host import predicted
from scaling.pricing import Loop, priced
from scaling.sending import Answer, Sender
from scaling.simulator import percentile, poisson, takt
from scaling.usage import Spent, Usage

CORES = os.cpu_count() or 1
INSTANCES = 2
"""Of the segmentation, on a CPU (decision 0006)."""
WARM, WARM_PAUSE_S = 10, 0.05
LONELY, PAUSE_S = 80, 0.15
CROWDS, CROWDED_S = (2, 3, 4, 5), 12.0
"""Frames at once of the closed loops, and how long each lasts. With the most of them the cores are full."""
RUNS = 12
"""Simulations of one load."""
LOADS: Sequence[tuple[str, float]] = (("poisson", 0.4), ("poisson", 0.6), ("poisson", 0.75), ("takt", 0.75))
"""Arrivals, and share of the capacity."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A cluster that runs, and who sends to it."""

    cluster: LocalCluster
    sender: Sender

    def spent(self, send: Callable[[], list[Answer]]) -> tuple[list[Answer], Spent]:
        """Send, and see what it took."""
        before = Usage.now(self.cluster)
        answers = send()
        return answers, Usage.now(self.cluster).since(before)


def calibrated(bench: Bench) -> tuple[Calibration, dict[str, Any]]:
    """Frames that are alone, then closed loops of ever more at once; and figures that stand beside it."""
    bench.sender.lonely(WARM, WARM_PAUSE_S)
    lonely, alone = bench.spent(lambda: bench.sender.lonely(LONELY, PAUSE_S))
    walls_s = [answer.walls_s for answer in lonely if answer.walls_s is not None]
    if not walls_s:
        raise RuntimeError("No frame got a verdict; send pictures that the recipe takes, with --data.")
    loops, full_work_s = measured_loops(bench)
    lonely_frame = Calibration(
        cores=CORES - alone.others,
        threads=CORES,
        instances=INSTANCES,
        walls_s=walls_s,
        work_s=alone.a_frame(len(lonely)),
    )
    beside = {
        "alone_p50_ms": 1e3 * statistics.median(answer.latency_s for answer in lonely),
        "saturated_work_s": full_work_s,
        "others_cores": alone.others,
        "loops": [asdict(loop) for loop in loops],
    }
    return priced(lonely_frame, loops), beside


def measured_loops(bench: Bench) -> tuple[list[Loop], dict[ServiceName, float]]:
    """One for each of `CROWDS`; and core-seconds a frame of the last, by service."""
    loops, work_s = [], {}
    for at_once in CROWDS:
        answers, spent = bench.spent(partial(bench.sender.crowded, CROWDED_S, at_once))
        loops.append(Loop(at_once, CROWDED_S, len(answers) / spent.seconds, CORES - spent.others))
        work_s = spent.a_frame(len(answers))
    return loops, work_s


def compared(bench: Bench, calibration: Calibration, arrivals: str, share: float, seconds: float) -> dict[str, Any]:
    """One load: predicted, then measured with the same moments of arrival.

    Args:
        bench: the cluster.
        calibration: of it.
        arrivals: `poisson` or `takt`.
        share: of the capacity, 0 to 1.
        seconds: for which frames come.
    """
    rate = share * calibration.capacity
    moments = poisson(rate, seconds, seed=round(100 * share)) if arrivals == "poisson" else takt(rate, seconds)
    runs = predicted(calibration, moments, runs=RUNS)
    told = [run.percentile_ms(0.95) for run in runs]
    answers, spent = bench.spent(lambda: bench.sender.on_time(moments))
    latencies = [answer.latency_s for answer in answers if answer.walls_s is not None]
    walls_s = [answer.walls_s for answer in answers if answer.walls_s is not None]
    p95_ms = 1e3 * percentile(latencies, 0.95)
    return {
        "arrivals": arrivals,
        "share": share,
        "frames_per_s": rate,
        "frames": len(answers),
        "answered": len(latencies),
        "measured_ms": {"p50": 1e3 * percentile(latencies, 0.5), "p95": p95_ms},
        "predicted_ms": {
            "p50": statistics.median(run.percentile_ms(0.5) for run in runs),
            "p95": statistics.median(told),
            "p95_least": min(told),
            "p95_most": max(told),
        },
        "p95_off": statistics.median(told) / p95_ms - 1,
        # What neighbours on the machine do to it.
        "others_cores": spent.others,
        "work_s": spent.a_frame(len(answers)),
        # Where the time went, beside the same of frames that were alone (`walls_s`).
        "stages_ms": {stage: 1e3 * statistics.fmean(walls[stage] for walls in walls_s) for stage in STAGES},
    }
