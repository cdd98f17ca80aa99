"""What a trained network says about a frame, with the arithmetic of the service."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flawgate_imaging import scores, tiles
from flawgate_training.datasets.samples import Pixels
from flawgate_training.evaluation.goodness import has_good_class
from flawgate_training.experiment.schema import Experiment

Map = NDArray[np.float32]

_TILES_AT_ONCE = 8


@dataclass(frozen=True)
class Judgement:
    """What is said about one frame.

    Attributes:
        score: 0–1, higher is worse, rounded to `scores.SCORE_DECIMALS`.
        answer: index of the class answered; None where the network tells no classes of frames apart.
        probabilities: (K,), float32, of the classes, or of "defective" where K is 1; of a tiled frame, those of its
            worst tile. None unless the task is classification.
        defect_map: (H, W) of the frame as prepared, float32, 0–1: the probability of a defect, or the residual; None
            for a classification.
        class_map: (H, W), uint8, index of the class, 0 for background; None where no pixels are classified.
    """

    score: float
    answer: int | None = None
    probabilities: Map | None = None
    defect_map: Map | None = None
    class_map: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class _Said:
    """Of n tiles: scores, (n,), and class planes, (n, K, h, w), or class probabilities, (n, K); float32, 0–1."""

    scores: list[float]
    planes: Map | None = None
    probabilities: Map | None = None


class Judge:
    """Judges frames one by one, as the service does.

    Args:
        network: in evaluation mode, wherever its weights lie.
        experiment: what it learned, and how scores come about.
        classes: names, by index; those of the data set.
    """

    def __init__(self, network: nn.Module, experiment: Experiment, classes: Sequence[str]) -> None:
        self._network = network
        self._experiment = experiment
        self._has_good = has_good_class(experiment, classes)

    @torch.inference_mode()
    def judge(self, pixels: Pixels) -> Judgement:
        """Judge one frame.

        Args:
            pixels: as the experiment's steps prepare it: (H, W) or (H, W, 3), uint8, 0–255.

        Raises:
            InvalidFrame: the frame is smaller than a tile.
        """
        height, width = pixels.shape[:2]
        tiling = self._experiment.tiling
        said = self._said(pixels[np.newaxis] if tiling is None else tiles.cut(pixels, tiling))
        score = scores.merged_score(said.scores)
        if said.probabilities is not None:
            worst = said.probabilities[int(np.argmax(said.scores))]
            return Judgement(score, _answered(worst), worst)
        if said.planes is None:
            return Judgement(score)
        if tiling is None:
            return self._mapped(score, np.stack([scores.spread(plane, height, width) for plane in said.planes[0]]))
        return self._mapped(score, scores.merged_planes(said.planes, tiling, height, width))

    def _mapped(self, score: float, planes: Map) -> Judgement:
        defect_map = scores.defect_probability(planes)
        if self._experiment.task == "anomaly":
            return Judgement(score, defect_map=defect_map)
        class_map = scores.class_indices(planes)
        answer = scores.majority_class(class_map) if len(planes) > 1 else None
        return Judgement(score, answer, defect_map=defect_map, class_map=class_map)

    def _said(self, pixels: Pixels) -> _Said:
        """About tiles, (n, h, w) or (n, h, w, 3), uint8."""
        planes = pixels[:, np.newaxis] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
        device = next(self._network.parameters()).device
        chunks = torch.split(torch.from_numpy(np.ascontiguousarray(planes)), _TILES_AT_ONCE)
        parts = [self._part(chunk.to(device)) for chunk in chunks]
        return _Said([score for part in parts for score in part.scores], *_joined(parts))

    def _part(self, frames: Tensor) -> _Said:
        """About a few tiles, (n, C, h, w), uint8."""
        output = self._network(frames)
        match self._experiment.task:
            case "cascade":
                mask, score = output
                return _Said(score.flatten().tolist(), _numpy(mask))
            case "segmentation":
                return self._ranked(_numpy(_probabilities(output)))
            case "anomaly":
                pairs = zip(frames.cpu().numpy(), _numpy(output), strict=True)
                return self._ranked(np.stack([scores.residual(frame, drawn)[np.newaxis] for frame, drawn in pairs]))
            case "classification":
                found = _numpy(_probabilities(output))
                return _Said([self._class_score(each) for each in found], probabilities=found)

    def _ranked(self, planes: Map) -> _Said:
        share = self._experiment.judging.top_share
        return _Said([scores.top_share_mean(scores.defect_probability(each), share) for each in planes], planes)

    def _class_score(self, probabilities: Map) -> float:
        """Of "not good"; where no class is good, of the class answered."""
        return float(scores.defect_probability(probabilities) if self._has_good else probabilities.max())


def _probabilities(logits: Tensor) -> Tensor:
    """(N, K, ...), any real number → float32, 0–1: sigmoid of one, softmax over several."""
    return logits.float().sigmoid() if logits.shape[1] == 1 else logits.float().softmax(dim=1)


def _numpy(values: Tensor) -> Map:
    return np.asarray(values.float().cpu().numpy(), np.float32)


def _answered(probabilities: Map) -> int:
    return int(probabilities[0] >= scores.MASK_THRESHOLD) if len(probabilities) == 1 else int(probabilities.argmax())


def _joined(parts: Sequence[_Said]) -> tuple[Map | None, Map | None]:
    planes = [part.planes for part in parts if part.planes is not None]
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return (
        np.concatenate(planes) if planes else None,
        np.concatenate(probabilities) if probabilities else None,
    )


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and every part of it back into its own mode afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
