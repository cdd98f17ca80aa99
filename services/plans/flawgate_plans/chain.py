"""A recipe's models, run one after the other over tensors: as plans, or by ONNX Runtime."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.kinds import ANSWERS, CALLS, FRAME, Kind
from flawgate_plans.engine_shape import EngineShape
from flawgate_plans.trtexec import Trtexec

Values = NDArray[Any]

RunPart = Callable[[str, dict[str, Values]], dict[str, Values]]
"""Runs the model of a part (see `kinds.CALLS`) on its inputs."""


def answers(kind: Kind, frames: NDArray[np.uint8], run: RunPart, *, largest_batch: int) -> dict[str, Values]:
    """What the recipe's models answer.

    Args:
        kind: of the recipe.
        frames: (n, C, h, w), uint8: what the first model is shown.
        run: runs one of them.
        largest_batch: how many a model takes at once.

    Returns:
        By the names of `kinds.ANSWERS`, (n, ...) each.
    """
    chunks = [frames[at : at + largest_batch] for at in range(0, len(frames), largest_batch)]
    answered = [_chunk(kind, chunk, run) for chunk in chunks]
    return {name: np.concatenate([chunk[name] for chunk in answered]) for name in ANSWERS[kind]}


def _chunk(kind: Kind, frames: NDArray[np.uint8], run: RunPart) -> dict[str, Values]:
    known: dict[str, Values] = {FRAME: frames}
    for call in CALLS[kind]:
        known |= run(call.part, {name: known[name] for name in call.inputs})
    return known


def by_plans(trtexec: Trtexec, engines: Mapping[str, tuple[Path, EngineShape]]) -> RunPart:
    """Run plans with trtexec.

    Args:
        trtexec: on the GPU that they were built for.
        engines: plan and what it was built for, by part.
    """

    def run(part: str, inputs: dict[str, Values]) -> dict[str, Values]:
        return trtexec.run(*engines[part], inputs)

    return run


def by_onnxruntime(files: Mapping[str, Path]) -> RunPart | None:
    """Run ONNX files on the CPU; None where ONNX Runtime is not installed.

    Args:
        files: by part.
    """
    try:
        from onnxruntime import InferenceSession  # noqa: PLC0415  # Triton's image lacks it, and we do without
    except ImportError:
        return None
    sessions = {part: InferenceSession(path, providers=["CPUExecutionProvider"]) for part, path in files.items()}

    def run(part: str, inputs: dict[str, Values]) -> dict[str, Values]:
        names = [output.name for output in sessions[part].get_outputs()]
        return dict(zip(names, sessions[part].run(names, inputs), strict=True))

    return run
