"""Training steps: images per second of every network, and our loop beside the plainest one over the same network.

    python benchmarks/training.py [--quick] [--only ARCHITECTURE]

Each row is one of the shipped experiments, run by the loop of `flawgate train` at the paper's input size with its own
loss, optimiser and augmentation, in small batches, on frames that are in memory: one step to warm up, then steps for a
few seconds. "waits" is the share of that time in which a step waited for its batch. Where torch finds a GPU, the rows
are measured there, in float32 and in mixed float16. Writes out/bench/training.json.
"""

import argparse
import json
import logging
import platform
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from training_frames import samples
from training_loops import Subject, our_loop, plain_loop

from flawgate_training.architectures import registry
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment
from flawgate_training.experiment.training import Precision
from flawgate_training.learning.machine import Settled

OUT = Path("out/bench/training.json")

COMPARED = "commutator"
"""The experiment whose loop is measured beside the plainest one."""

ROUNDS = 5
"""Of each loop, taking turns, so that a noisy neighbour meets both; the median step counts, the first round not."""

BATCH = 2
"""Frames of a step where a network draws maps: the fewest that every batch normalisation learns from."""

STITCHES, GARMENTS = 7, 5
"""Classes of papers a, with the background, and c; two for all others."""

FRAMES = 32
"""Kept in memory."""


@dataclass(frozen=True)
class Row:
    """One network's training step.

    Attributes:
        network: architecture, encoder and task.
        experiment: that was run.
        input: channels × rows × columns, pixels.
        precision: 32 or 16-mixed.
        batch: frames of a step.
        steps: that were measured.
        images_per_second: frames over seconds.
        waits: share of the seconds that steps waited for batches.
    """

    network: str
    experiment: str
    input: str
    precision: str
    batch: int
    steps: int
    images_per_second: float
    waits: float


def networks(only: str | None) -> Iterator[Experiment]:
    """One experiment for each architecture, encoder and task, in the papers' order."""
    order = list(registry.ARCHITECTURES)
    shipped = sorted(
        (loading.load(name) for name in loading.names()),
        key=lambda experiment: (order.index(experiment.network.architecture), experiment.data.kind == "texture"),
    )
    seen: set[str] = set()
    for experiment in shipped:
        if _named(experiment) not in seen and only in {None, experiment.network.architecture}:
            seen.add(_named(experiment))
            yield experiment


def _named(experiment: Experiment) -> str:
    options = " ".join(str(value) for value in experiment.network.options.values())
    return f"{experiment.network.architecture} {options} {experiment.task}".replace("  ", " ")


def subject(experiment: Experiment, settled: Settled) -> Subject:
    """The experiment in small batches, its epochs long enough for any measurement."""
    batch = next(iter(experiment.stages.values())).batch_size
    if experiment.task != "classification":
        batch = min(batch, BATCH)
    changes: dict[str, Any] = {"batch_size": batch, "repeats": 200, "epochs": 1, "patience": None}
    stages = {title: stage.model_copy(update=changes) for title, stage in experiment.stages.items()}
    kinds = {"stitches": STITCHES, "image_folder": 2 if getattr(experiment.data, "binary", True) else GARMENTS}
    classes = [str(number) for number in range(kinds.get(experiment.data.kind, 2))]
    frames = samples(experiment, FRAMES, classes)
    return Subject.of(experiment.model_copy(update={"stages": stages}), classes, frames, settled)


def precisions(*, gpu: bool) -> tuple[Precision, ...]:
    """What the machine can compute in; of the half ones, that which is quick here."""
    if gpu:
        return "32", "16-mixed"
    return ("32", "bf16-mixed") if torch.cpu.get_capabilities().get("amx_bf16") else ("32",)


def measured(experiment: Experiment, settled: Settled, seconds: float) -> Row:
    """One row."""
    trained = subject(experiment, settled)
    steps = our_loop(trained, seconds)
    size = experiment.input
    return Row(
        network=_named(experiment),
        experiment=experiment.name,
        input=f"{size.channels}×{size.height}×{size.width}",
        precision=settled.precision,
        batch=next(iter(trained.experiment.stages.values())).batch_size,
        steps=len(steps.steps),
        images_per_second=steps.frames / steps.seconds,
        waits=steps.waited / steps.seconds,
    )


def compared(settled: Settled, seconds: float) -> dict[str, Any]:
    """Our loop beside the plainest one: images per second by the median step of each, and their ratio."""
    trained = subject(loading.load(COMPARED), settled)
    rounds = [[loop(trained, seconds).steps for loop in (our_loop, plain_loop)] for _ in range(ROUNDS + 1)]
    ours, plain = ([step for pair in rounds[1:] for step in pair[loop]] for loop in (0, 1))
    speeds = [1 / statistics.median(steps) for steps in (ours, plain)]
    return {
        "experiment": COMPARED,
        "ours": speeds[0],
        "plain": speeds[1],
        "ratio": speeds[0] / speeds[1],
        "seconds": {"ours": ours, "plain": plain},
    }


def shown(rows: list[Row], loops: dict[str, Any], device: str) -> Table:
    """The table for people."""
    table = Table(
        title=f"Training steps on {device}",
        caption=f"{loops['experiment']}: our loop {loops['ours']:.2f} images/s, the plainest one "
        f"{loops['plain']:.2f}: {loops['ratio']:.3f} of it",
    )
    for heading in ("network", "input", "precision"):
        table.add_column(heading, no_wrap=True)
    for heading in ("batch", "steps", "images/s", "waits"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [row.network, row.input, row.precision, str(row.batch), str(row.steps)]
        table.add_row(*cells, f"{row.images_per_second:.2f}", f"{row.waits:.1%}")
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps of each network")
    parser.add_argument("--only", help="one architecture, as `flawgate architectures` names it")
    asked = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    gpu = torch.cuda.is_available()
    seconds = 1.0 if asked.quick else 4.0
    device = torch.cuda.get_device_name() if gpu else f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    rows = []
    for experiment in networks(asked.only):
        for precision in precisions(gpu=gpu):
            rows.append(measured(experiment, Settled(gpu, 1, precision), seconds))
            print(f"{rows[-1].network}: {rows[-1].images_per_second:.2f} images/s", flush=True)
    loops = compared(Settled(gpu, 1), seconds / 2)
    Console(width=120).print(shown(rows, loops, device))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    facts = {"device": device, "torch": torch.__version__, "rows": [asdict(row) for row in rows], "loops": loops}
    OUT.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
