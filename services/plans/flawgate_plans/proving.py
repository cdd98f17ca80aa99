"""Whether a recipe's plans judge its golden frames as they must: the gate in front of a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.golden import GoldenFrame
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.findings import findings
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.golden_frames import Frames
from flawgate_imaging.judgement import Answers, Manner, judge, shown
from flawgate_imaging.policy import evaluate
from flawgate_plans.chain import RunPart, answers
from flawgate_plans.records import Proof

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Verdict:
    """What the plans say of one golden frame.

    Attributes:
        frame: with what must be said.
        evaluation: that the plans give.
        score: that the plans give, 0–1.
        tolerance: largest difference of the score that is allowed.
    """

    frame: GoldenFrame
    evaluation: str
    score: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Of the score, 0–1."""
        return abs(self.score - self.frame.score)

    @property
    def holds(self) -> bool:
        """Whether it is what must be said."""
        return self.evaluation == self.frame.evaluation and self.difference <= self.tolerance


@dataclass(frozen=True)
class Trial:
    """The golden frames of a version under its plans.

    Attributes:
        verdicts: of those whose pictures are here.
        proof: the same in figures.
    """

    verdicts: tuple[Verdict, ...]
    proof: Proof

    @property
    def passed(self) -> bool:
        """Whether every frame is judged as it must be."""
        return all(verdict.holds for verdict in self.verdicts)


def prove(recipe: Recipe, frames: Frames, run: RunPart, reference: RunPart | None) -> Trial:
    """Judge the golden frames by plans.

    Args:
        recipe: whose models they are.
        frames: of the recipe's version.
        run: runs the plans.
        reference: runs the ONNX files; their answers are compared number by number, for the record. None: nothing does.

    Raises:
        ModelFailure: a plan cannot be run, or answers with what is no answer.
    """
    seen = [shown(found.tensor, recipe.tiling) for found in frames.found]
    tensors = np.concatenate(seen)
    given = answers(recipe.kind, tensors, run, largest_batch=recipe.max_batch_size)
    verdicts = _verdicts(recipe, frames, seen, given)
    if reference is None:
        return Trial(verdicts, _proof(frames, verdicts, None))
    wanted = answers(recipe.kind, tensors, reference, largest_batch=recipe.max_batch_size)
    return Trial(verdicts, _proof(frames, verdicts, _differences(given, wanted)))


def _verdicts(recipe: Recipe, frames: Frames, seen: Sequence[Pixels], given: Answers) -> tuple[Verdict, ...]:
    ends = np.cumsum([len(each) for each in seen])
    verdicts = []
    for found, each, end in zip(frames.found, seen, ends, strict=True):
        own = {name: values[end - len(each) : end] for name, values in given.items()}
        verdicts.append(_verdict(recipe, frames.tolerance, found.frame, each, own))
    return tuple(verdicts)


def _verdict(recipe: Recipe, tolerance: float, frame: GoldenFrame, seen: Pixels, own: Answers) -> Verdict:
    height, width = recipe.input.height, recipe.input.width
    judgement = judge(Manner.of(recipe), seen, own, height=height, width=width)
    areas = findings(recipe, judgement, Geometry.identity(width, height)).areas
    evaluation = evaluate(judgement.score, areas, recipe.policy).evaluation
    return Verdict(frame, str(evaluation), judgement.score, tolerance)


def _differences(given: Answers, wanted: Answers) -> dict[str, float]:
    return {name: float(np.abs(values - given[name]).max()) for name, values in wanted.items()}


def _proof(frames: Frames, verdicts: Sequence[Verdict], differences: dict[str, float] | None) -> Proof:
    return Proof(
        frames=len(verdicts),
        unchecked=len(frames.missing),
        score_difference=max(verdict.difference for verdict in verdicts),
        tolerance=frames.tolerance,
        onnxruntime_differences=differences,
    )
