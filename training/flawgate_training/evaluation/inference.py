"""What a trained network says about a frame, with the arithmetic of the service."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flawgate_contracts.kinds import MASK, PROBABILITIES, RECONSTRUCTION, SCORE
from flawgate_imaging import scores, tiles
from flawgate_imaging.judgement import Judgement as ServedJudgement
from flawgate_imaging.judgement import Manner, judge
from flawgate_training.datasets.samples import Pixels
from flawgate_training.evaluation.goodness import has_good_class
from flawgate_training.experiment.schema import Experiment, Task

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
            ModelFailure: the network said something that is no number.
        """
        height, width = pixels.shape[:2]
        tiling = self._experiment.tiling
        cut = pixels[np.newaxis] if tiling is None else tiles.cut(pixels, tiling)
        frames = np.ascontiguousarray(cut[:, np.newaxis] if cut.ndim == 3 else cut.transpose(0, 3, 1, 2))
        answers = self._answers(frames)
        said = judge(self._manner(answers), frames, answers, height=height, width=width)
        return self._told(said, height, width)

    def _told(self, said: ServedJudgement, height: int, width: int) -> Judgement:
        """With maps in the frame's size."""
        if said.planes is None:
            return Judgement(said.score, said.answer, said.probabilities)
        planes = np.stack([scores.spread(plane, height, width) for plane in said.planes])
        class_map = None if self._experiment.task == "anomaly" else scores.class_indices(planes)
        return Judgement(said.score, said.answer, None, scores.defect_probability(planes), class_map)

    def _manner(self, answers: Mapping[str, Map]) -> Manner:
        experiment = self._experiment
        told = next((answers[name] for name in (MASK, PROBABILITIES) if name in answers), None)
        return Manner(
            kind=experiment.task,
            classes=1 if told is None else told.shape[1],
            tiling=experiment.tiling,
            top_share=experiment.judging.top_share,
            good_class=self._has_good,
        )

    def _answers(self, frames: NDArray[np.uint8]) -> Mapping[str, Map]:
        """About tiles, (n, C, h, w), uint8, by the names of `kinds.ANSWERS`."""
        device = next(self._network.parameters()).device
        chunks = torch.split(torch.from_numpy(frames), _TILES_AT_ONCE)
        parts = [named_answers(self._experiment.task, self._network(chunk.to(device))) for chunk in chunks]
        return {name: np.concatenate([_numpy(part[name]) for part in parts]) for name in parts[0]}


def named_answers(task: Task, output: Any) -> dict[str, Tensor]:
    """What a network said, as its exported models say it: probabilities by the names of `kinds.ANSWERS`.

    Args:
        task: what the network was trained for.
        output: of its `forward`: mask and score of a cascade, logits of a segmentation or classification,
            (N, K, ...), or a reconstruction.
    """
    match task:
        case "cascade":
            mask, score = output
            return {MASK: mask, SCORE: score}
        case "segmentation":
            return {MASK: _probabilities(output)}
        case "classification":
            return {PROBABILITIES: _probabilities(output)}
        case "anomaly":
            return {RECONSTRUCTION: output}


def _probabilities(logits: Tensor) -> Tensor:
    """(N, K, ...), any real number → float32, 0–1: sigmoid of one, softmax over several."""
    return logits.float().sigmoid() if logits.shape[1] == 1 else logits.float().softmax(dim=1)


def _numpy(values: Tensor) -> Map:
    return np.asarray(values.float().cpu().numpy(), np.float32)


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
