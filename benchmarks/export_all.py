"""Exports every architecture, has the real Triton answer it, and holds the answers against torch's.

    python benchmarks/export_all.py [--only NAME ...] [--model-repository FOLDER]

The weights are untrained (random, with batch statistics of two generated frames) and the recipes say so: this shows
that every graph of the five papers crosses the border whole, not how well it inspects. Exits with 1 on any miss.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from scratch_triton import ScratchTriton
from torch import nn

from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.kinds import ANSWERS
from flawgate_imaging import tiles
from flawgate_imaging.golden_pattern import PATTERN, pattern
from flawgate_training.architectures import registry
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Pixels
from flawgate_training.datasets.stitches import CLASSES as STITCHES
from flawgate_training.evaluation.inference import evaluating
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment
from flawgate_training.export import operators
from flawgate_training.export.card import DatasetCard
from flawgate_training.export.parity import NamedFrame
from flawgate_training.export.publication import Material, Published, publish
from flawgate_training.export.recipes import Request
from flawgate_training.export.runtimes import TorchModels
from flawgate_training.runs import Run

TOLERANCE = 1e-3
"""Largest difference of an answer, 0–1, between torch and what Triton gives."""

UNTRAINED = About(
    "none", "Untrained weights: for a check of the export alone", "Random weights.", "Apache-2.0", "", shareable=True
)
GARMENTS = ("holes", "seam_puckering", "uncut_threads", "raw_edges", "broken_stitches")


@dataclass(frozen=True)
class Row:
    """What became of one architecture."""

    name: str
    megabytes: float = 0
    nodes: int = 0
    operations: int = 0
    exported: float | None = None
    served: float | None = None
    misses: tuple[str, ...] = ()


def experiments(only: Sequence[str]) -> Iterator[Experiment]:
    """One for each network, what it says and what it takes; variants that differ in training alone are left out."""
    seen = set()
    for name in loading.names():
        experiment = loading.load(name)
        key = (experiment.network.model_dump_json(), experiment.task, experiment.input, classes_of(experiment))
        if key not in seen and (not only or name in only):
            seen.add(key)
            yield with_few_tiles(experiment)


def with_few_tiles(experiment: Experiment) -> Experiment:
    """Tiles side by side instead of overlapping: 8 of paper b's 30, each through the same network."""
    if experiment.tiling is None:
        return experiment
    apart = experiment.tiling.model_copy(
        update={"stride_y": experiment.tiling.height, "stride_x": experiment.tiling.width}
    )
    return experiment.model_copy(update={"tiling": apart})


def classes_of(experiment: Experiment) -> tuple[str, ...]:
    """Names of the classes that its data set would have."""
    data = experiment.data
    if data.kind == "stitches":
        return tuple(STITCHES)
    if data.kind == "image_folder" and not data.binary and experiment.paper == "c":
        return GARMENTS
    return ("good", "defective")


def untrained(experiment: Experiment) -> Run:
    """Random weights, and batch statistics as frames of blocks and of noise give them."""
    torch.manual_seed(experiment.seed)
    network = registry.build(experiment, classes_of(experiment))
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch has no public name for all of them
            module.momentum = None
    frames = [frame.pixels for frame in frames_for(experiment)]
    with torch.no_grad(), torch.inference_mode():
        network.train()(torch.from_numpy(np.concatenate([shown(experiment, pixels)[:1] for pixels in frames])))
    return Run(experiment, classes_of(experiment), network.eval(), 0.0, "none", 1, {})


def frames_for(experiment: Experiment) -> list[NamedFrame]:
    """Two frames that nobody has rights in."""
    prepared = experiment.prepared
    shape = (prepared.height, prepared.width, *((3,) if prepared.channels == 3 else ()))
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return [NamedFrame(PATTERN, pattern(prepared)), NamedFrame("noise", noise)]


def shown(experiment: Experiment, pixels: Pixels) -> Pixels:
    """What the network sees of a frame: (n, C, h, w), uint8."""
    cut = pixels[np.newaxis] if experiment.tiling is None else tiles.cut(pixels, experiment.tiling)
    return np.ascontiguousarray(cut[:, np.newaxis] if cut.ndim == 3 else cut.transpose(0, 3, 1, 2))


def check(experiment: Experiment, repository: Path, triton: ScratchTriton) -> Row:
    """Export one, serve it, compare."""
    run = untrained(experiment)
    dataset = DatasetCard(
        name=UNTRAINED.name,
        source=UNTRAINED.source,
        licence=UNTRAINED.licence,
        notice="",
        files=0,
        sha256=None,
        split={},
    )
    request = Request(run, UNTRAINED, experiment.name, None, UNTRAINED.title, "Untrained.")
    if experiment.judging.threshold == "validation":
        fixed = experiment.model_copy(update={"judging": experiment.judging.model_copy(update={"threshold": 0.9})})
        request = Request(
            Run(fixed, run.classes, run.network, 0.0, "none", 1, {}), UNTRAINED, experiment.name, None, UNTRAINED.title
        )
    try:
        published = publish(request, Material([], dataset), repository)
        served = triton.serving(experiment.name, lambda: difference(run, published, triton))
    except FlawgateError as error:
        return Row(experiment.name, misses=(error.message,))
    return row(published, repository, served)


def difference(run: Run, published: Published, triton: ScratchTriton) -> float:
    """The largest one between torch's answers and Triton's, over both frames, 0–1."""
    recipe = published.card.recipe
    model = TorchModels(run.network, recipe.kind)
    largest = 0.0
    for frame in frames_for(run.experiment):
        batch = shown(run.experiment, frame.pixels)[: recipe.max_batch_size]
        with evaluating(run.network):
            expected = model.answers(batch)
        answers = triton.answers(recipe.name, batch, ANSWERS[recipe.kind])
        largest = max(largest, *(float(np.abs(expected[name] - answers[name]).max()) for name in answers))
    return largest


def row(published: Published, repository: Path, served: float) -> Row:
    """Figures of one that was served."""
    card = published.card
    files = [repository / model.name / model.version / "model.onnx" for model in card.recipe.models]
    faults = [fault for file in files for fault in operators.unsupported(onnx.load(file))]
    misses = [f"TensorRT: {fault}" for fault in faults]
    if not served <= TOLERANCE:
        misses.append(f"Triton's answers differ by {served:.2g}")
    return Row(
        card.recipe.name,
        sum(network.after.bytes for network in card.networks) / 1e6,
        sum(network.after.nodes for network in card.networks),
        sum(network.after.operations for network in card.networks),
        card.parity.largest_score_shift,
        served,
        tuple(misses),
    )


def table(rows: Sequence[Row]) -> Table:
    """For the terminal."""
    headings = ("recipe", "MB", "nodes", "GMAC", "score", "answer", "")
    drawn = Table(*headings, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    drawn.title = "Every architecture, untrained: largest differences to torch"
    drawn.caption = "score: of ONNX Runtime; answer: of Triton, any value of its answers, 0-1"
    for column in drawn.columns[1:-1]:
        column.justify = "right"
        column.no_wrap = True
    for each in rows:
        told = [f"{value:.1e}" if value is not None else "-" for value in (each.exported, each.served)]
        verdict = "missed" if each.misses else "equal"
        sizes = [f"{each.megabytes:.1f}", str(each.nodes), f"{each.operations / 1e9:.2f}"]
        drawn.add_row(each.name, *sizes, *told, verdict, style="red" if each.misses else "")
    return drawn


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these experiments alone")
    parser.add_argument("--model-repository", type=Path, help="where to export to; a temporary folder without")
    asked = parser.parse_args()
    started, console = time.monotonic(), Console()
    with tempfile.TemporaryDirectory(prefix="flawgate-export-all-") as folder:
        repository = asked.model_repository or Path(folder)
        rows = []
        with ScratchTriton(repository) as triton:
            for experiment in experiments(asked.only):
                rows.append(check(experiment, repository, triton))
                console.print(f"{time.monotonic() - started:6.0f} s  {rows[-1].name}")
    console.print(table(rows))
    for each in rows:
        for miss in each.misses:
            console.print(f"{each.name}: {miss}", markup=False, soft_wrap=True)
    misses = sum(bool(each.misses) for each in rows)
    console.print(f"{len(rows) - misses} of {len(rows)} are answered within {TOLERANCE:g}.")
    return 1 if misses or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
