"""Half precision against float32 on a GPU, by torch, beside the largest matrix product that it reaches."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import torch
from models_export import Network
from models_rounds import measure
from models_runners import Runner
from torch import nn

from flawgate_training.export.folding import fold
from flawgate_training.export.precision import halved

PEAK_SIDE = 8192
"""Rows and columns of the matrices whose product tells the GPU's peak."""

BATCHES = (1, 4)

DTYPES = {"fp32": torch.float32, "fp16": torch.float16}


def measured(networks: Sequence[Network], budget_s: float, device: str = "cuda") -> list[dict[str, Any]]:
    """One row a network: milliseconds and share of the peak, by precision and batch.

    Args:
        networks: to measure.
        budget_s: seconds of each.
        device: that torch computes on.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return [_row(network, budget_s, device) for network in networks]


def _row(network: Network, budget_s: float, device: str) -> dict[str, Any]:
    built = fold(network.build())
    ready = {"fp32": built.to(device), "fp16": halved(built).to(device)}
    runners = {f"peak {precision}": _product(dtype, device) for precision, dtype in DTYPES.items()}
    for batch in BATCHES:
        for precision, module in ready.items():
            runners[f"{precision} {batch}"] = _forward(module, network, batch, device)
    runs = measure(runners, budget_s)
    seconds = {name: median(run.wall_s for run in of_one) for name, of_one in runs.items()}
    peaks = {name: 2 * PEAK_SIDE**3 / min(run.wall_s for run in runs[f"peak {name}"]) for name in DTYPES}
    gmac = network.gmac
    cells = [
        {
            "precision": precision,
            "batch": batch,
            "p50_ms": 1000 * seconds[f"{precision} {batch}"],
            "frames_per_s": batch / seconds[f"{precision} {batch}"],
            "share_of_peak": 2e9 * gmac * batch / seconds[f"{precision} {batch}"] / peaks[precision],
        }
        for batch in BATCHES
        for precision in DTYPES
    ]
    peaks_tflops = {precision: peak / 1e12 for precision, peak in peaks.items()}
    return {"network": network.name, "gmac": gmac, "peak_tflops": peaks_tflops, "cells": cells}


def _product(dtype: torch.dtype, device: str) -> Runner:
    left, right = (torch.randn(PEAK_SIDE, PEAK_SIDE, device=device, dtype=dtype) for _ in range(2))

    def run() -> None:
        torch.mm(left, right)
        _wait(device)

    return run


def _forward(module: nn.Module, network: Network, batch: int, device: str) -> Runner:
    frames = torch.from_numpy(network.frames(batch)).to(device)

    def run() -> None:
        with torch.inference_mode():
            module(frames)
        _wait(device)

    return run


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
