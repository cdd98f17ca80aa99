"""Choosing the golden frames of a recipe version, and writing them beside it. See flawgate_contracts.golden."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from flawgate_contracts.golden import FILE, Golden, GoldenFrame
from flawgate_contracts.recipe import Policy
from flawgate_imaging.golden_pattern import PATTERN
from flawgate_training.datasets.items import Pixels
from flawgate_training.export.parity import TOLERANCES, FrameParity, NamedFrame, Parity

_PICTURES = "golden"


def choose(frames: Sequence[NamedFrame], found: Parity, policy: Policy, *, shareable: bool) -> Golden:
    """The frames that stay: the pattern, and of each evaluation those of the lowest and of the highest score.

    One whose score lies within twice the tolerance of the threshold, or of the guard band's lower end, is left out: its
    evaluation could flip on another machine without anything being wrong.

    Args:
        frames: to choose from.
        found: the comparison of the models on them.
        policy: with the threshold.
        shareable: whether the pictures of the data set may be passed on; the pattern always may.
    """
    tolerance = TOLERANCES[found.precision].score
    pixels = {frame.name: frame.pixels for frame in frames}
    edges = (policy.threshold, policy.threshold - policy.guard_band)
    sure = [frame for frame in found.frames if all(abs(frame.onnx_score - edge) > 2 * tolerance for edge in edges)]
    chosen = _extremes(sure) or list(found.frames[:1])
    golden = (
        GoldenFrame(
            name=frame.name,
            sha256=tensor_sha256(pixels[frame.name]),
            picture=f"{_PICTURES}/{number}.png" if shareable or frame.name == PATTERN else None,
            evaluation=frame.onnx_evaluation,
            score=frame.onnx_score,
        )
        for number, frame in enumerate(chosen)
    )
    return Golden(tolerance=tolerance, frames=tuple(golden))


def _extremes(frames: Sequence[FrameParity]) -> list[FrameParity]:
    chosen = [frame for frame in frames if frame.name == PATTERN]
    for evaluation in sorted({frame.onnx_evaluation for frame in frames}):
        of_it = [frame for frame in frames if frame.onnx_evaluation == evaluation and frame.name != PATTERN]
        ranked = sorted(of_it, key=lambda frame: (frame.onnx_score, frame.name))
        chosen += [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked
    return chosen


def write(folder: Path, golden: Golden, frames: Sequence[NamedFrame]) -> None:
    """Write `golden.json` and the pictures.

    Args:
        folder: of the recipe's version.
        golden: as `choose` made it.
        frames: their pixels, and others'.
    """
    pixels = {frame.name: frame.pixels for frame in frames}
    (folder / _PICTURES).mkdir()
    for frame in golden.frames:
        if frame.picture is not None:
            (folder / frame.picture).write_bytes(_png(pixels[frame.name]))
    (folder / FILE).write_text(golden.model_dump_json(indent=2) + "\n", encoding="utf-8")


def tensor_sha256(pixels: Pixels) -> str:
    """SHA-256 of (H, W) or (H, W, 3), uint8, as the models see it: (channels, height, width), row-major."""
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return hashlib.sha256(np.ascontiguousarray(planes).tobytes()).hexdigest()


def _png(pixels: Pixels) -> bytes:
    _, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return data.tobytes()
