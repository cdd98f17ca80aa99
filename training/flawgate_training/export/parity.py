"""The parity gate: what ONNX Runtime answers must be what torch answers, on frames, before anything is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from flawgate_contracts.errors import ParityRefused
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.datasets.items import Pixels

TOLERANCE = 1e-3
"""Largest change of a score or of a mask's pixel, both 0–1."""

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """What the comparison found.

    Attributes:
        frames: compared.
        score_difference: largest over the frames, 0–1.
        mask_difference: largest over the frames' pixels, 0–1.
    """

    frames: int
    score_difference: float
    mask_difference: float


class OnnxCascade:
    """Both graphs, run by ONNX Runtime on the CPU.

    Args:
        segmentation: ONNX file.
        classification: ONNX file.
    """

    def __init__(self, segmentation: Path, classification: Path) -> None:
        providers = ["CPUExecutionProvider"]
        self._segmentation = onnxruntime.InferenceSession(segmentation, providers=providers)
        self._classification = onnxruntime.InferenceSession(classification, providers=providers)

    def __call__(self, frames: Pixels) -> tuple[Scores, Scores]:
        """Frames, (N, 1, H, W), uint8 → mask, (N, 1, H/8, W/8), and score, (N, 1); float32, 0–1."""
        mask, features = self._segmentation.run(["mask", "features"], {"frame": frames})
        (score,) = self._classification.run(["score"], {"features": features})
        return mask, score


@torch.no_grad()
def check(network: TwoStageNetwork, exported: OnnxCascade, frames: Sequence[Pixels], *, threshold: float) -> Parity:
    """Compare both on every frame.

    Args:
        network: the original, in evaluation mode.
        exported: its ONNX graphs.
        frames: grey, (H, W), uint8, of the network's input size; at least one.
        threshold: score from which a frame is NOT_OK.

    Raises:
        ParityRefused: a score or a mask moved by more than `TOLERANCE`, or an evaluation flipped.
    """
    scores, masks = [], []
    for pixels in frames:
        frame = pixels[None, None]
        mask, score = (output.numpy() for output in network(torch.from_numpy(frame)))
        onnx_mask, onnx_score = exported(frame)
        if (score >= threshold) != (onnx_score >= threshold):
            raise _refused(f"an evaluation flips: score {score.item():.6f} in torch, {onnx_score.item():.6f} in ONNX")
        scores.append(float(np.abs(score - onnx_score).max()))
        masks.append(float(np.abs(mask - onnx_mask).max()))
    parity = Parity(len(frames), max(scores), max(masks))
    if not max(parity.score_difference, parity.mask_difference) <= TOLERANCE:
        raise _refused(f"scores differ by {parity.score_difference:.2g}, masks by {parity.mask_difference:.2g}")
    return parity


def _refused(fact: str) -> ParityRefused:
    return ParityRefused(f"The exported model does not answer as the trained one, {fact}; nothing was published.")
