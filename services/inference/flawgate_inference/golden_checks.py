"""Whether a recipe's models judge its golden frames as they did when it was exported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flawgate_contracts.recipe import Recipe
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.golden_frames import Found, Frames, Missing
from flawgate_imaging.policy import Evaluation, Verdict
from flawgate_inference.deciding import Decision, decide, prove
from flawgate_inference.model_server import ModelServer

GOLDEN_CHECK_FAILED = "GOLDEN_CHECK_FAILED"
"""Reason of NOT_DECIDABLE where the models judge a golden frame otherwise."""

_LONGEST_NAME = 40


@dataclass(frozen=True)
class Checked:
    """What a version says about one golden frame.

    Attributes:
        golden: what was expected, if it was at hand.
        evaluation: what was said; empty where it could not be asked.
        score: 0–1; None where it could not be asked.
        passed: evaluation and score are as expected; None where it could not be asked.
    """

    golden: Found | Missing
    evaluation: str = ""
    score: float | None = None
    passed: bool | None = None


@dataclass(frozen=True)
class GoldenCheck:
    """A check of all golden frames of a version that came to a verdict.

    Attributes:
        frames: in the order of golden.json, also those that are not at hand.
        tolerance: largest difference of a score from the one expected that passes, 0–1.
        ended_at: UTC.
    """

    frames: tuple[Checked, ...]
    tolerance: float
    ended_at: datetime

    @property
    def passed(self) -> int:
        """How many frames are judged as they must be."""
        return sum(each.passed is True for each in self.frames)

    @property
    def failed(self) -> int:
        """How many are judged otherwise."""
        return sum(each.passed is False for each in self.frames)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Those that could not be asked."""
        return tuple(each.golden for each in self.frames if isinstance(each.golden, Missing))

    @property
    def largest_difference(self) -> float | None:
        """Of a score from the one expected, 0–1; None where no frame was asked."""
        return max(
            (abs(each.score - each.golden.frame.score) for each in self.frames if each.score is not None), default=None
        )

    @property
    def fault(self) -> str:
        """Why the version is not to be trusted, in one sentence; empty where it is."""
        asked = self.passed + self.failed
        if self.failed:
            return (
                f"{self.failed} of {asked} golden frames are judged otherwise than at its export; scores may differ by "
                f"{self.tolerance:g}."
            )
        damaged = [each for each in self.missing if each.is_damaged]
        if damaged and not asked:
            return f"None of its golden frames can be checked: {damaged[0].why}; restore it from the export."
        return ""


async def check(server: ModelServer, recipe: Recipe, frames: Frames, *, timeout_s: float) -> GoldenCheck:
    """Let a version judge its golden frames, one after the other; where none is at hand, try it with an even frame.

    Args:
        server: runs the version under the recipe's name.
        recipe: of the version, with its own policy: golden frames were judged by that.
        frames: to check.
        timeout_s: longest wait for the models on one of them, in seconds.

    Raises:
        FlawgateError: the models cannot be asked, or give no answer; the class as `decide` says.
    """
    if not frames.found:
        await prove(server, recipe, timeout_s=timeout_s)
    checked = [await _checked(server, recipe, each, frames.tolerance, timeout_s) for each in frames.all]
    return GoldenCheck(tuple(checked), frames.tolerance, datetime.now(UTC))


async def _checked(
    server: ModelServer, recipe: Recipe, golden: Found | Missing, tolerance: float, timeout_s: float
) -> Checked:
    if isinstance(golden, Missing):
        return Checked(golden)
    geometry = Geometry.identity(recipe.input.width, recipe.input.height)
    decision = await decide(server, recipe, golden.tensor, geometry, timeout_s=timeout_s)
    evaluation = decision.verdict.evaluation.value
    is_near = abs(decision.score - golden.frame.score) <= tolerance
    return Checked(golden, evaluation, decision.score, passed=is_near and evaluation == golden.frame.evaluation)


def overruled(decision: Decision) -> Decision:
    """What is said of a frame by models that are not to be trusted: all of it but the verdict."""
    return replace(decision, verdict=Verdict(Evaluation.NOT_DECIDABLE, GOLDEN_CHECK_FAILED))


def table(checked: Sequence[Checked]) -> str:
    """As plain text, for a log or an error's sentence."""
    rows = [("frame", "expected", "score", "now", "score", ""), *(_row(each) for each in checked)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(checked: Checked) -> tuple[str, ...]:
    frame = checked.golden.frame
    name = frame.name if len(frame.name) <= _LONGEST_NAME else f"…{frame.name[1 - _LONGEST_NAME :]}"
    expected = (name, frame.evaluation, f"{frame.score:.6f}")
    if checked.score is None:
        return (*expected, "-", "-", "not at hand")
    return (*expected, checked.evaluation, f"{checked.score:.6f}", "" if checked.passed else "FAILED")
