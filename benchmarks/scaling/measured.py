"""The check: the real cluster on this machine under load, beside what the simulator says of it.

    PYTHONPATH=benchmarks:tests python -m scaling.measured [--data KOLEKTOR_SDD_FOLDER] [--seconds 40]

A fresh calibration comes first: frames that are alone, then two to five at once. Then frames arrive by chance
(Poisson), and at an even takt, at shares of that capacity; the simulator is given the same moments beforehand. Besides,
what docs/scaling.md needs: bytes, a small recipe, PostgreSQL. Writes out/bench/scaling.json.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster import encoded_frames
from rich.console import Console
from rich.table import Table

from flawgate_cli.local_cluster.cluster import running_cluster
from flawgate_cli.local_cluster.layout import Layout, Ports
from flawgate_imaging import textures
from flawgate_imaging.encoding import encode_jpeg
from scaling.comparing import CROWDS, LOADS, Bench, calibrated, compared
from scaling.costs import RUN
from scaling.database import measured_database
from scaling.sending import Sender
from scaling.sizes import measured_sizes

REPOSITORY = Path("model_repository")
RECIPE, SMALL = "commutator", "leather"
SMALL_SIDE, SMALL_FRAMES, SMALL_S = 256, 20, 10.0
THREADS = 1
"""Of one inference. Two that wait for each other are held up by any third on their cores, which fair shares do not
tell; frames beside each other use all cores as well."""
GOAL = 0.2
"""By which a predicted p95 may be off."""


def some_recipes(folder: Path, names: Iterable[str]) -> Path:
    """A model repository with these recipes alone."""
    folder.mkdir()
    for name in names:
        for path in (REPOSITORY / name, *REPOSITORY.glob(f"{name}_*")):
            (folder / path.name).symlink_to(path.resolve())
    return folder


def small_frames() -> list[bytes]:
    """JPEGs of generated textures, as a small recipe gets them."""
    return [encode_jpeg(textures.generate(seed, size=SMALL_SIDE).pixels, 95) for seed in range(SMALL_FRAMES)]


def small_work(bench: Bench) -> dict[str, float]:
    """Core-seconds a frame of the small recipe, by service, while the cores are full."""
    bench.sender.crowded(1.0, CROWDS[-1])
    answers, spent = bench.spent(lambda: bench.sender.crowded(SMALL_S, CROWDS[-1]))
    return {str(name): work_s for name, work_s in spent.a_frame(len(answers)).items()}


def measure(folder: Path, frames: Sequence[bytes], seconds: float) -> dict[str, Any]:
    """Start the cluster, calibrate, and compare."""
    # A check of golden frames within a load of a minute would be a part of it that no other minute has.
    environment = {"DECISION_GOLDEN_INTERVAL_S": "3600"}
    models, small = some_recipes(folder / "models", (RECIPE, SMALL)), small_frames()
    layout = Layout(models, Ports.free(), threads=THREADS, data_dir=folder / "data", environment=environment)
    with running_cluster(layout, lambda _name, _line: None, ready_timeout_s=180) as cluster:
        bench = Bench(cluster, Sender(layout.ports.gateway, RECIPE, frames))
        calibration, beside = calibrated(bench)
        levels = [compared(bench, calibration, arrivals, share, seconds) for arrivals, share in LOADS]
        work_s = small_work(Bench(cluster, Sender(layout.ports.gateway, SMALL, small)))
    records = folder / "data" / "records.db"
    return {
        "cores": os.cpu_count(),
        "calibration": calibration.as_json(),
        "beside": beside,
        "levels": levels,
        "recipes": {
            RECIPE: {"work_s": beside["saturated_work_s"], "bytes": measured_sizes(records, RECIPE, frames)},
            SMALL: {"work_s": work_s, "bytes": measured_sizes(records, SMALL, small)},
        },
        "database": measured_database(),
    }


def show(result: Mapping[str, Any]) -> None:
    """Print the comparison as a table."""
    table = Table(title=f"{RECIPE}, ms: measured, and predicted beforehand", title_justify="left")
    for heading in ("arrivals", "load", "answered", "p50", "predicted", "p95", "predicted", "off", "others, cores"):
        table.add_column(heading, justify="right")
    for level in result["levels"]:
        measured, told = level["measured_ms"], level["predicted_ms"]
        table.add_row(
            level["arrivals"],
            f"{level['share']:.0%}",
            f"{level['answered']}/{level['frames']}",
            f"{measured['p50']:.0f}",
            f"{told['p50']:.0f}",
            f"{measured['p95']:.0f}",
            f"{told['p95']:.0f}",
            f"{level['p95_off']:+.0%}",
            f"{level['others_cores']:.2f}",
        )
    console = Console()
    console.print(table)
    held = all(abs(level["p95_off"]) <= GOAL for level in result["levels"])
    console.print(f"Each p95 within {GOAL:.0%}: {'yes' if held else 'NO'}. Written to {RUN}.")
    console.print("`make scaling WRITE=1` takes it over into docs/scaling.md.")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of KolektorSDD")
    parser.add_argument("--seconds", type=float, default=40.0, help="of each load")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flawgate-scaling-") as name:
        result = measure(Path(name), encoded_frames(arguments.data), arguments.seconds)
    result["frames"] = "KolektorSDD" if arguments.data else "generated"
    RUN.parent.mkdir(parents=True, exist_ok=True)
    RUN.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    show(result)


if __name__ == "__main__":
    main()
