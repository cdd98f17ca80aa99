"""Every network of the papers, exported, in ONNX Runtime and OpenVINO, beside torch.

    python benchmarks/models.py [--only NAME...] [--seconds S] [--no-compile]

All runners of a network take turns on the same frames of noise for S seconds, or longer where one run takes long, with
as many threads as there are cores: ONNX Runtime and OpenVINO on the same files in float32 and int8, OpenVINO with
bfloat16 besides where the CPU has it, torch as it is and through torch.compile, and a large product of matrices, which
gives the peak of the machine in the same minute. Weights are random and int8 is calibrated on noise: figures of speed,
none of accuracy. A cascade is both of its files, one after the other. Where torch finds a GPU, float16 is measured
against float32 there. Writes out/bench/models.json.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import models_gpu
import models_tables
import onnxruntime
import torch
from models_export import Network, export, export_plainly, networks
from models_rounds import Run, measure
from models_runners import (
    PEAK_SIDE,
    OnnxRuntime,
    OpenVino,
    Runner,
    compiled,
    compiler_missing,
    has_bf16,
    openvino_missing,
    openvino_precisions,
    openvino_version,
    peak_runner,
    torch_runner,
)
from rich.console import Console

OUT = Path("out/bench/models.json")

BATCHES = (1, 4)

PLAIN = "commutator_two_stage"
"""The network whose plain export is measured as well."""


class Key(NamedTuple):
    """What is measured.

    Attributes:
        runtime: onnxruntime, openvino, torch, torch.compile, or "plain": ONNX Runtime on torch's own export.
        precision: fp32, bf16 or int8.
        batch: frames at once.
    """

    runtime: str
    precision: str
    batch: int


def runners(network: Network, folder: Path, threads: int, *, compile_too: bool) -> Iterator[tuple[Key, Runner]]:
    """Everything that a network is run by."""
    files = {precision: export(network, precision, folder / precision) for precision in ("fp32", "int8")}
    built = network.build()
    faster = compiled(network.build()) if compile_too else None
    if network.name == PLAIN:
        plain = OnnxRuntime(export_plainly(network, folder / "plain"), threads)
        yield Key("plain", "fp32", 1), plain.runner(network.frames(1))
    sessions = {precision: OnnxRuntime(files[precision], threads) for precision in files}
    for batch in BATCHES:
        frames = network.frames(batch)
        for precision, session in sessions.items():
            yield Key("onnxruntime", precision, batch), session.runner(frames)
        for precision, of_file, computed in openvino_precisions():
            yield Key("openvino", precision, batch), OpenVino(files[of_file], threads, computed).runner(frames)
        yield Key("torch", "fp32", batch), torch_runner(built, frames)
    if faster is not None:
        yield Key("torch.compile", "fp32", 1), torch_runner(faster, network.frames(1))


def measured(network: Network, budget_s: float, threads: int, *, compile_too: bool) -> dict[str, Any]:
    """One network's row."""
    with tempfile.TemporaryDirectory() as folder:
        made = dict(runners(network, Path(folder), threads, compile_too=compile_too))
        named = {"/".join(map(str, key)): runner for key, runner in made.items()}
        runs = measure({"peak": peak_runner(), **named}, budget_s)
    peak = 2 * PEAK_SIDE**3 / min(run.wall_s for run in runs["peak"])
    cells = [_cell(key, runs[name], network.gmac, peak) for key, name in zip(made, named, strict=True)]
    wanted = network.wanted
    size = f"{wanted.channels}×{wanted.height}×{wanted.width}"
    return {"network": network.name, "input": size, "gmac": network.gmac, "peak_gflops": peak / 1e9, "cells": cells}


def _cell(key: Key, runs: list[Run], gmac: float, peak: float) -> dict[str, Any]:
    p50_s = median(run.wall_s for run in runs)
    return {
        **key._asdict(),
        "p50_ms": 1000 * p50_s,
        "cpu_ms": 1000 * median(run.cpu_s for run in runs),
        "frames_per_s": key.batch / fmean(run.wall_s for run in runs),
        "share_of_peak": 2e9 * gmac * key.batch / p50_s / peak,
        "runs": len(runs),
    }


def sentences(*, compile_too: bool) -> list[str]:
    """What is not measured here, and why."""
    missing = [openvino_missing(), compiler_missing()]
    if openvino_missing() is None and not has_bf16():
        missing.append("This CPU has no bfloat16, so OpenVINO's column of it is empty.")
    if not compile_too and compiler_missing() is None:
        missing.append("torch.compile was left out, as asked.")
    if not torch.cuda.is_available():
        missing.append("torch finds no GPU, so float16 is not compared with float32.")
    return [sentence for sentence in missing if sentence]


def facts(threads: int) -> dict[str, Any]:
    """The machine, and the versions of what is measured."""
    versions = {"onnxruntime": onnxruntime.__version__, "openvino": openvino_version(), "torch": torch.__version__}
    return {"device": f"{platform.machine()} CPU, {threads} threads", "threads": threads, "versions": versions}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="architectures, or encoders")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the rounds of each network")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile, which compiles for minutes")
    asked = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    chosen = list(networks(asked.only))
    if not chosen:
        parser.error(f"there is no network {' or '.join(asked.only)}: see `flawgate architectures`")
    compile_too = not asked.no_compile and compiler_missing() is None
    told, about = sentences(compile_too=compile_too), facts(threads)
    rows = []
    for network in chosen:
        rows.append(measured(network, asked.seconds, threads, compile_too=compile_too))
        print(f"{network.name}: measured, {len(rows)} of {len(chosen)}", flush=True)
        write({**about, "left_out": told, "rows": rows})
    gpu = models_gpu.measured(chosen, asked.seconds) if torch.cuda.is_available() else []
    write({**about, "left_out": told, "rows": rows, "gpu": gpu})
    console = Console(width=150)
    console.print(models_tables.processor(rows, about["device"]))
    for row in rows:
        for sentence in models_tables.beside_plain(row):
            print(sentence)
    if gpu:
        console.print(models_tables.gpu(gpu, torch.cuda.get_device_name()))
    print("\n".join(told))


def write(found: dict[str, Any]) -> None:
    """Keep what has been measured so far."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
