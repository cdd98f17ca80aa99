"""From what a recipe's models answer to what is said about a frame: one arithmetic for service, training and export.

The four kinds of recipes stand in flawgate_contracts.kinds, the arithmetic of maps and scores in `scores`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import ModelFailure
from flawgate_contracts.kinds import ANSWERS, EXPLANATION, MASK, PROBABILITIES, RECONSTRUCTION, SCORE, Kind
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.tiling import Tiling
from flawgate_imaging import scores, tiles

Map = NDArray[np.float32]

Answers = Mapping[str, NDArray[Any]]
"""By the names of `kinds.ANSWERS`; the first axis counts the tiles."""

_ROUNDING = 1e-3
"""How far beyond 0 to 1 a value may lie: a step of half precision at 1. Runtimes divide by approximate reciprocals."""


@dataclass(frozen=True)
class Manner:
    """How a recipe reads its models' answers.

    Attributes:
        kind: which models it runs.
        classes: how many channels a mask, or probabilities a frame, has; 1 for an anomaly.
        tiling: how the frame is cut before; None: not at all.
        top_share: a map's score is the mean of this share of its highest pixels, above 0 to 1.
        good_class: of a classification of several classes: whether the first is that of good parts.
    """

    kind: Kind
    classes: int
    tiling: Tiling | None
    top_share: float
    good_class: bool

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """That of a recipe."""
        classes = 1 if recipe.kind == "anomaly" else len(recipe.classes)
        return cls(recipe.kind, classes, recipe.tiling, recipe.top_share, recipe.good_class)


@dataclass(frozen=True)
class Judgement:
    """What is said about one frame.

    Attributes:
        score: 0–1, higher is worse, rounded to `scores.SCORE_DECIMALS`.
        planes: (K, h, w), float32, 0–1: probabilities of classes, or the residual of an anomaly; of a tiled frame in
            the frame's own size. None for a classification.
        probabilities: (K,), float32, 0–1: of classes of frames; of a tiled frame, those of its worst tile. None unless
            the recipe is a classification.
        explanation: (h, w), float32, 0–1: where the class of `probabilities` is seen, spread over the frame; of a tiled
            frame in the frame's own size, as it is in its worst tile, and 0 elsewhere. None unless the models gave one.
    """

    score: float
    planes: Map | None = None
    probabilities: Map | None = None
    explanation: Map | None = None

    @property
    def answer(self) -> int | None:
        """Index of the class of the frame as a whole; None where no classes of frames are told apart.

        Of several classes it is that of the highest probability, or of most of the pixels that are no background; of a
        classification's single one it is 1 from `scores.MASK_THRESHOLD` upwards. The policy has no part in it.
        """
        if self.probabilities is not None:
            one = len(self.probabilities) == 1
            return int(self.probabilities[0] >= scores.MASK_THRESHOLD) if one else int(self.probabilities.argmax())
        if self.planes is not None and len(self.planes) > 1:
            return scores.majority_class(scores.class_indices(self.planes))
        return None


def shown(tensor: NDArray[np.uint8], tiling: Tiling | None) -> NDArray[np.uint8]:
    """What a recipe's models are shown of a tensor.

    Args:
        tensor: (C, H, W), uint8, 0–255.
        tiling: how it is cut; None: not at all.

    Returns:
        (n, C, h, w): the tensor itself, or its tiles in the order of `tiles.places`.

    Raises:
        InvalidFrame: a tile is larger than the tensor.
    """
    if tiling is None:
        return tensor[np.newaxis]
    cut = tiles.cut(np.ascontiguousarray(tensor.transpose(1, 2, 0)), tiling)
    return np.ascontiguousarray(cut.transpose(0, 3, 1, 2))


def judge(manner: Manner, frames: NDArray[np.uint8], answers: Answers, *, height: int, width: int) -> Judgement:
    """Judge one frame.

    Args:
        manner: how.
        frames: (n, C, h, w), uint8, 0–255: what the models were shown, tiles in the order of `tiles.places`; n is 1
            without tiles.
        answers: of the models, each (n, ...).
        height: rows of the frame as prepared, in pixels.
        width: columns of it.

    Raises:
        ModelFailure: an answer is missing, of another shape, or no number from 0 to 1.
        InvalidFrame: a tile is larger than the frame.
    """
    explained = (EXPLANATION,) if manner.kind == "classification" and EXPLANATION in answers else ()
    found = {name: _checked(name, answers, frames, manner) for name in (*ANSWERS[manner.kind], *explained)}
    match manner.kind:
        case "cascade":
            ranked = [float(value) for value in found[SCORE][:, 0]]
            return Judgement(scores.merged_score(ranked), _merged(manner, found[MASK], height, width))
        case "segmentation":
            return _ranked(manner, found[MASK], height, width)
        case "anomaly":
            pairs = zip(frames, found[RECONSTRUCTION], strict=True)
            residuals = np.stack([scores.residual(frame, drawn)[np.newaxis] for frame, drawn in pairs])
            return _ranked(manner, residuals, height, width)
        case "classification":
            ranked = [_class_score(manner, each) for each in found[PROBABILITIES]]
            worst = int(np.argmax(ranked))
            shown_in = found[EXPLANATION][worst] if explained else None
            return Judgement(
                scores.merged_score(ranked),
                probabilities=found[PROBABILITIES][worst],
                explanation=None if shown_in is None else _placed(manner, shown_in, worst, height, width),
            )


def _checked(name: str, answers: Answers, frames: NDArray[np.uint8], manner: Manner) -> Map:
    """The answer, float32, 0–1, if it is one."""
    if name not in answers:
        raise ModelFailure(f"The model gave no {name}; export it again.")
    values = answers[name]
    if not _fits(name, values, frames, manner):
        raise ModelFailure(
            f"The model gave {name} of shape {values.shape}, {values.dtype}, for tensors of {frames.shape}; "
            f"the recipe names {manner.classes} class(es)."
        )
    # A comparison with NaN is false.
    if not bool(np.all((values >= -_ROUNDING) & (values <= 1 + _ROUNDING))):
        raise ModelFailure(f"The model gave {name} with values that are no numbers from 0 to 1.")
    return np.clip(np.asarray(values, np.float32), 0, 1)


def _fits(name: str, values: NDArray[Any], frames: NDArray[np.uint8], manner: Manner) -> bool:
    """Whether an answer has the shape that belongs there, and holds floats."""
    each = (len(frames), manner.classes)
    wanted: Mapping[str, tuple[int, ...]] = {
        SCORE: (len(frames), 1),
        PROBABILITIES: each,
        MASK: (*each, *values.shape[-2:]),
        EXPLANATION: (len(frames), *values.shape[-2:]),
        RECONSTRUCTION: frames.shape,
    }
    return values.shape == wanted[name] and values.size > 0 and values.dtype.kind == "f"


def _merged(manner: Manner, planes: Map, height: int, width: int) -> Map:
    """(n, K, h, w) of tiles → (K, h, w)."""
    if manner.tiling is None:
        return np.asarray(planes[0])
    return scores.merged_planes(planes, manner.tiling, height, width)


def _placed(manner: Manner, plane: Map, tile: int, height: int, width: int) -> Map:
    """(h, w) of one tile → of the frame."""
    return plane if manner.tiling is None else tiles.laid(plane, manner.tiling, tile, height, width)


def _ranked(manner: Manner, planes: Map, height: int, width: int) -> Judgement:
    """The score of each tile from its own map, of the frame the largest."""
    ranked = [scores.top_share_mean(scores.defect_probability(each), manner.top_share) for each in planes]
    return Judgement(scores.merged_score(ranked), _merged(manner, planes, height, width))


def _class_score(manner: Manner, probabilities: Map) -> float:
    """Of "not good"; where no class is good, of the class answered."""
    if manner.good_class or len(probabilities) == 1:
        return float(scores.defect_probability(probabilities))
    return float(probabilities.max())
