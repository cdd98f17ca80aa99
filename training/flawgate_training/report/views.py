"""A chosen frame as the page shows it: judged once more, for the maps that predictions do not keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from flawgate_imaging import scores, tiles
from flawgate_imaging.pipeline import to_tensor
from flawgate_training.architectures.registry import cam_layer
from flawgate_training.datasets.samples import Sample, Samples
from flawgate_training.evaluation.inference import Judge, Judgement, evaluating
from flawgate_training.evaluation.judging import Trained
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.explain import explained
from flawgate_training.report.pictures import Panel, class_panels, defect_panels, heat_panels


@dataclass(frozen=True)
class View:
    """One frame.

    Attributes:
        name: of the frame.
        facts: its score and what became of it, in words.
        panels: pictures, left to right.
    """

    name: str
    facts: str
    panels: tuple[Panel, ...]


class Viewer:
    """Makes views of one run's frames.

    Args:
        run: a finished one.
        test: the frames that it was judged upon.
        threshold: score from which a frame is NOT_OK; None where no frame is simply good or defective.
    """

    def __init__(self, run: Trained, test: Samples, threshold: float | None) -> None:
        self._run = run
        self._threshold = threshold
        self._samples = test
        self._places = {item.name: place for place, item in enumerate(test.items)}

    def view(self, prediction: Prediction) -> View:
        """One frame of the test set.

        Raises:
            InvalidDataset: its picture cannot be read any more.
        """
        sample = self._samples[self._places[prediction.name]]
        with evaluating(self._run.network):
            judged = Judge(self._run.network, self._run.experiment, self._run.classes).judge(sample.pixels)
            panels = self._panels(sample, judged)
        return View(prediction.name, self._facts(prediction), tuple(panels))

    def _panels(self, sample: Sample, judged: Judgement) -> list[Panel]:
        if judged.defect_map is None:
            return heat_panels(sample.pixels, self._cam(sample, judged), "where the network looked (Grad-CAM)")
        if judged.answer is not None and judged.class_map is not None:
            return class_panels(sample.pixels, sample.mask, judged.class_map)
        if judged.class_map is not None:
            return defect_panels(sample.pixels, sample.mask, judged.defect_map, judged.class_map > 0)
        limit = self._threshold or float(judged.defect_map.max()) or 1.0
        return defect_panels(sample.pixels, sample.mask, judged.defect_map / (2 * limit), judged.defect_map >= limit)

    def _cam(self, sample: Sample, judged: Judgement) -> NDArray[np.float32]:
        network, tiling = self._run.network, self._run.experiment.tiling
        pixels = [sample.pixels] if tiling is None else list(tiles.cut(sample.pixels, tiling))
        frames = torch.from_numpy(np.stack([to_tensor(each) for each in pixels]))
        answers = 1 if judged.probabilities is None else len(judged.probabilities)
        target = (judged.answer or 0) if answers > 1 else 0
        device = next(network.parameters()).device
        maps = explained(network, cam_layer(network), frames.to(device), target).cpu().numpy()
        if tiling is None:
            return scores.spread(np.asarray(maps[0], np.float32), *sample.pixels.shape[:2])
        return tiles.merge_maximum(np.asarray(maps, np.float32), tiling, *sample.pixels.shape[:2])

    def _facts(self, prediction: Prediction) -> str:
        told = [f"score {prediction.score:.3f}"]
        if self._threshold is not None:
            above = prediction.score >= self._threshold
            told.append(f"threshold {self._threshold:.4g}")
            told.append(_became(defective=prediction.defective, alarm=above))
        if prediction.answer is not None and (self._threshold is None or len(self._run.classes) > 2):
            told.append(_classes(self._run.classes, prediction))
        return ", ".join(told)


def _became(*, defective: bool, alarm: bool) -> str:
    kinds = {(True, True): "defect found", (True, False): "missed defect", (False, True): "false alarm"}
    return kinds.get((defective, alarm), "good frame passed")


def _classes(classes: Sequence[str], prediction: Prediction) -> str:
    truth, answer = classes[prediction.label], classes[prediction.answer or 0]
    return f"is {truth}" if truth == answer else f"is {truth}, called {answer}"
