"""The parity gate: what ONNX Runtime answers must be what torch answers, on frames, before anything is published."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from flawgate_contracts.errors import InvalidParameter, ModelFailure, ParityRefused
from flawgate_contracts.kinds import EXPLANATION, PROBABILITIES
from flawgate_contracts.recipe import Policy, Precision
from flawgate_imaging import scores, tiles
from flawgate_imaging.defects import find_defects
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Judgement, Manner, judge
from flawgate_imaging.policy import Evaluation, evaluate
from flawgate_imaging.scores import Map
from flawgate_training.datasets.items import Pixels
from flawgate_training.export import parity_figures
from flawgate_training.export.parity_figures import (
    NEAR,
    TOLERANCES,
    FrameParity,
    NamedFrame,
    Parity,
    Tolerance,
)
from flawgate_training.export.runtimes import Explained, Models, planes

__all__ = ["TOLERANCES", "FrameParity", "NamedFrame", "Parity", "Tolerance", "check", "compare"]

_ROWS = 10
_LONGEST_NAME = 40

_LEAST = 1e-7
"""A map that nowhere differs from itself by more counts as even."""

_WORDS: Mapping[Evaluation, parity_figures.Evaluation] = {
    Evaluation.OK: "OK",
    Evaluation.NOT_OK: "NOT_OK",
    Evaluation.NOT_DECIDABLE: "NOT_DECIDABLE",
}


def compare(
    trained: Models,
    exported: Models,
    manner: Manner,
    policy: Policy,
    frames: Iterable[NamedFrame],
    *,
    precision: Precision,
    classes: Sequence[str] = (),
) -> Parity:
    """Judge frames by both, as the service does.

    Args:
        trained: the network in torch.
        exported: its files in ONNX Runtime.
        manner: how the recipe reads answers.
        policy: of the recipe.
        frames: at least one; read one by one.
        precision: of the files.
        classes: names of the mask's channels, in order; needed where the policy limits areas.

    Raises:
        InvalidParameter: names of classes are missing, or there is no frame.
        ParityRefused: one of both answers with no number, or with none that the recipe can read; no force helps here,
            as such a model cannot be served.
    """
    if policy.areas and len(classes) != manner.classes:
        raise InvalidParameter(
            "The policy limits the areas of classes; give the names of all the mask's channels to compare them.",
            {"field": "classes"},
        )
    compared = _Comparison(trained, exported, manner, policy, tuple(classes))
    found = tuple(compared.frame(frame) for frame in frames)
    if not found:
        raise InvalidParameter("There is no frame to compare the models on; give at least one.", {"field": "frames"})
    return _summed(found, TOLERANCES[precision], precision, policy.threshold)


def check(parity: Parity) -> None:
    """Let pass what agrees.

    Raises:
        ParityRefused: an evaluation flipped, or something moved past its tolerance; tells the worst frames.
    """
    if not parity.passed:
        raise ParityRefused(
            f"The exported model does not answer as the trained one. {' '.join(parity.faults)} Nothing was "
            "published; export with a higher precision (fp32 is the highest), or --force REASON publishes all the "
            f"same.\n\n{_table(parity)}"
        )


class _Side(NamedTuple):
    explained: Explained
    judgement: Judgement
    evaluation: parity_figures.Evaluation


class _Comparison(NamedTuple):
    trained: Models
    exported: Models
    manner: Manner
    policy: Policy
    classes: tuple[str, ...]

    def frame(self, frame: NamedFrame) -> FrameParity:
        """Both on one frame."""
        tiling = self.manner.tiling
        shown = planes(frame.pixels[np.newaxis] if tiling is None else tiles.cut(frame.pixels, tiling))
        torchs = self._side("trained network", self.trained, frame, shown)
        onnxs = self._side("exported model", self.exported, frame, shown)
        masks = [self._mask(side.judgement) for side in (torchs, onnxs)]
        return FrameParity(
            name=frame.name,
            torch_score=torchs.judgement.score,
            onnx_score=onnxs.judgement.score,
            torch_evaluation=torchs.evaluation,
            onnx_evaluation=onnxs.evaluation,
            mask_iou=_overlap(*masks),
            mask_px=None if masks[0] is None else max(int(mask.sum()) for mask in masks if mask is not None),
            mask_px_apart=_apart(*masks),
            map_difference=_difference(torchs.judgement.planes, onnxs.judgement.planes),
            explanation_difference=_explanations_apart(torchs.explained.answers, onnxs.explained.answers),
            logit_difference=_largest(
                _difference(logits, onnxs.explained.logits.get(name))
                for name, logits in torchs.explained.logits.items()
            ),
        )

    def _side(self, whose: str, models: Models, frame: NamedFrame, shown: Pixels) -> _Side:
        height, width = frame.pixels.shape[:2]
        explained = models.explained(shown)
        try:
            said = judge(self.manner, shown, explained.answers, height=height, width=width)
        except ModelFailure as err:
            raise ParityRefused(
                f"The {whose} gives no answer to {frame.name} that a service could read: {err} Nothing was published; "
                "train again with a smaller learning rate, or export with a higher precision."
            ) from err
        areas = self._areas(said, height, width)
        return _Side(explained, said, _WORDS[evaluate(said.score, areas, self.policy).evaluation])

    def _areas(self, said: Judgement, height: int, width: int) -> Mapping[str, int]:
        """Of each class that was found, in pixels of the frame as prepared."""
        if not self.policy.areas or said.planes is None:
            return {}
        return find_defects(
            said.planes,
            Geometry.identity(width, height),
            threshold=self.policy.mask_threshold,
            min_area_px=self.policy.min_defect_area_px,
            classes=self.classes,
            pixel_pitch_um=None,
        ).areas

    def _mask(self, said: Judgement) -> NDArray[np.bool_] | None:
        """(K, h, w): the pixels of each class of defects."""
        if said.planes is None:
            return None
        defects = said.planes if len(said.planes) == 1 else said.planes[1:]
        return np.asarray(defects >= self.policy.mask_threshold)


def _overlap(first: NDArray[np.bool_] | None, second: NDArray[np.bool_] | None) -> float | None:
    if first is None or second is None:
        return None
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def _apart(first: NDArray[np.bool_] | None, second: NDArray[np.bool_] | None) -> int | None:
    return None if first is None or second is None else int((first ^ second).sum())


def _difference(first: Map | None, second: Map | None) -> float | None:
    if first is None or second is None:
        return None
    with np.errstate(invalid="ignore"):  # two logits may be the same infinity
        return float(np.where(first == second, 0, np.abs(first - second)).max())


def _explanations_apart(torchs: Mapping[str, Map], onnxs: Mapping[str, Map]) -> float | None:
    """Of the tile where they differ most, among those of which both say the same class."""
    if EXPLANATION not in torchs or EXPLANATION not in onnxs:
        return None
    classes = [said[PROBABILITIES].argmax(axis=1) for said in (torchs, onnxs)]
    planes = zip(torchs[EXPLANATION], onnxs[EXPLANATION], *classes, strict=True)
    return _largest(_mean_difference(first, second) for first, second, one, other in planes if one == other)


def _mean_difference(first: Map, second: Map) -> float:
    """Of the second, spread over the first and stretched from 0 to 1 again, as the first was."""
    spread = scores.spread(np.asarray(second, np.float32), *first.shape)
    least, most = float(spread.min()), float(spread.max())
    return float(np.abs(first - (spread - least) / max(most - least, _LEAST)).mean())


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


class _Worst(NamedTuple):
    shift: float
    near: float | None
    overlap: float | None
    explanation: float | None
    flips: int


def _summed(frames: tuple[FrameParity, ...], tolerance: Tolerance, precision: Precision, threshold: float) -> Parity:
    flipped = tuple(frame.name for frame in frames if frame.flipped)
    worst = _Worst(
        shift=max(frame.shift for frame in frames),
        near=_largest(frame.shift for frame in frames if abs(frame.torch_score - threshold) <= NEAR),
        overlap=_least(frame.mask_iou for frame in frames if frame.masks_differ),
        explanation=_largest(frame.explanation_difference for frame in frames),
        flips=len(flipped),
    )
    faults = _faults(worst, tolerance)
    return Parity(
        precision=precision,
        tolerance=tolerance,
        threshold=threshold,
        frames=frames,
        largest_score_shift=worst.shift,
        largest_score_shift_near_threshold=worst.near,
        least_mask_iou=_least(frame.mask_iou for frame in frames if frame.mask_is_large),
        largest_map_difference=_largest(frame.map_difference for frame in frames),
        largest_logit_difference=_largest(frame.logit_difference for frame in frames),
        largest_explanation_difference=worst.explanation,
        flipped=flipped,
        versions={"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__},
        passed=not faults,
        faults=faults,
    )


def _faults(worst: _Worst, tolerance: Tolerance) -> tuple[str, ...]:
    faults = []
    if worst.flips:
        faults.append(f"{worst.flips} evaluation{'s flip' if worst.flips > 1 else ' flips'}.")
    if worst.shift > tolerance.score:
        faults.append(f"A score moves by {worst.shift:.2g}, past {tolerance.score:g}.")
    if worst.near is not None and worst.near > tolerance.near_threshold:
        faults.append(f"A score near the threshold moves by {worst.near:.2g}, past {tolerance.near_threshold:g}.")
    if worst.overlap is not None and worst.overlap < tolerance.mask_iou:
        faults.append(f"Masks overlap by {worst.overlap:.3f} only, below {tolerance.mask_iou:g}.")
    if worst.explanation is not None and worst.explanation > tolerance.explanation:
        faults.append(f"An explanation differs by {worst.explanation:.2g} on average, past {tolerance.explanation:g}.")
    return tuple(faults)


def _table(parity: Parity) -> str:
    """The worst frames, ten at most: the worst first."""
    worst = sorted(parity.frames, key=_badness, reverse=True)[:_ROWS]
    rows = [("frame", "torch score", "onnx score", "torch", "onnx", "IoU"), *map(_row, worst)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _badness(frame: FrameParity) -> tuple[bool, float]:
    """Flipped evaluations are worst; else what is further from agreement, the scores or the masks."""
    return frame.flipped, max(frame.shift, 1 - (frame.mask_iou or 0.0) if frame.masks_differ else 0.0)


def _row(frame: FrameParity) -> tuple[str, ...]:
    name = frame.name if len(frame.name) <= _LONGEST_NAME else f"…{frame.name[1 - _LONGEST_NAME :]}"
    overlap = "-" if frame.mask_iou is None else f"{frame.mask_iou:.3f}"
    found = (f"{frame.torch_score:.6f}", f"{frame.onnx_score:.6f}", frame.torch_evaluation, frame.onnx_evaluation)
    return (name, *found, overlap)
