"""`flawgate demo`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.text import Text

from flawgate_cli.demo.frames import LabelledFrame, generated_textures, kolektor_sdd
from flawgate_cli.demo.report import Report
from flawgate_cli.inspecting.run import inspect_all
from flawgate_cli.inspecting.sending import Outcome, Sender
from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, ModelServer, Ports

CONCURRENCY = 2
LICENCE_NOTE = (
    "The shipped commutator weights were trained on these very frames, so this table shows that the cluster works, not "
    "how well the network generalises: its cross-validated figures are in docs/results.md. "
    "KolektorSDD and weights trained on it are for non-commercial use (CC BY-NC-SA 4.0)."
)


def demo(  # one parameter for each option of the command
    data: Annotated[
        Path | None, typer.Option(help="Folder of KolektorSDD; real commutators are inspected too.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the overlays and the log.")] = Path("out/demo"),
    textures: Annotated[int, typer.Option(min=2, help="Number of generated textures.")] = 24,
    commutators: Annotated[int, typer.Option(min=0, help="Number of commutators; 0 for all of them.")] = 40,
    model_repository: Annotated[Path, typer.Option(help="Folder of the models and recipes.")] = Path(
        "model_repository"
    ),
    model_server: Annotated[ModelServer, typer.Option(help="Triton, or ONNX Runtime within decision.")] = "triton",
    triton_python: Annotated[Path, typer.Option(help="Python of the environment that holds Triton.")] = Path(
        "services/triton/.venv/bin/python"
    ),
) -> None:
    """Start the whole cluster, inspect frames, show what came of them, stop. Exit status 1 if anything is wrong."""
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    layout = Layout(
        model_repository,
        Ports.free(),
        model_server=model_server,
        triton_python=triton_python,
        data_dir=out / "gateway",
    )
    runs: list[tuple[str, Sequence[LabelledFrame]]] = [("texture", list(generated_textures(textures)))]
    if data is not None:
        runs.append(("commutator", kolektor_sdd(data, commutators or None)))
    else:
        console.print("No KolektorSDD folder was given (`make demo DATA=...`): only generated textures are inspected.")
    log_path = out / "cluster.log"
    with log_path.open("w", encoding="utf-8", buffering=1) as log:
        console.print(f"Starting the cluster; its log is {log_path} ...", highlight=False)
        started = time.perf_counter()
        with running_cluster(layout, lambda name, line: log.write(f"{name:>13} | {line}\n"), ready_timeout_s=180.0):
            console.print(f"The cluster was ready after {time.perf_counter() - started:.1f} s.", highlight=False)
            reports = [_inspect(layout.url, recipe, frames, out / recipe) for recipe, frames in runs]
    for report in reports:
        report.print_to(console)
    if data is not None:
        console.print(f"[dim]{LICENCE_NOTE}[/]", highlight=False)
    _conclude(console, reports, out)


def _inspect(url: str, recipe: str, frames: Sequence[LabelledFrame], folder: Path) -> Report:
    """Send all frames, then fetch the overlay of each; gives the outcomes and the time of the sending alone."""
    sender = Sender(url, recipe, station="demo")
    try:
        started = time.perf_counter()
        running = inspect_all(frames, lambda frame: sender.inspect(frame.name, frame.data), concurrency=CONCURRENCY)
        outcomes = list(track(running, f"Inspecting {recipe}", total=len(frames), transient=True))
        seconds = time.perf_counter() - started
        for outcome in outcomes:
            _save_overlay(sender, outcome, folder)
    finally:
        sender.close()
    return Report(recipe, frames, outcomes, seconds)


def _save_overlay(sender: Sender, outcome: Outcome, folder: Path) -> None:
    if outcome.inspection is not None:
        path = folder / f"{outcome.evaluation}_{outcome.name.replace('/', '_')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".png").write_bytes(sender.overlay(outcome.inspection))


def _conclude(console: Console, reports: Sequence[Report], out: Path) -> None:
    faults = [fault for report in reports for fault in report.faults()]
    for fault in faults:
        console.print(Text(fault, "bold red"))
    if faults:
        sys.exit(1)
    console.print(Text.assemble(("All is well.", "bold green"), f" The overlays are in {out}/."))
