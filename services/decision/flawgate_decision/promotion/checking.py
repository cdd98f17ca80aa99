"""Whether a version judges its golden frames as it did when it was exported."""

from collections.abc import Sequence
from dataclasses import dataclass

from flawgate_contracts.errors import GoldenFailed
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.golden_frames import Found, Frames, Missing
from flawgate_inference.deciding import decide, prove
from flawgate_inference.model_server import ModelServer

INFER_TIMEOUT_S = 60.0
"""For one golden frame: the first of a version may be slow."""

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


async def check(server: ModelServer, recipe: Recipe, frames: Frames) -> tuple[Checked, ...]:
    """Run a version on an even frame and on its golden frames.

    Args:
        server: runs the version under the recipe's name.
        recipe: of the version.
        frames: to check.

    Returns:
        One for each golden frame, also those that are not at hand.

    Raises:
        GoldenFailed: a frame is judged otherwise; with a table of all.
        FlawgateError: the version cannot be run.
    """
    await prove(server, recipe, timeout_s=INFER_TIMEOUT_S)
    checked = tuple([await _checked(server, recipe, each, frames.tolerance) for each in frames.all])
    failed = [each for each in checked if each.passed is False]
    if failed:
        raise GoldenFailed(
            f"Version {recipe.version} of recipe {recipe.name} judges {len(failed)} of {len(frames.found)} golden "
            "frames otherwise than at its export, so it is not put in force; scores may differ by "
            f"{frames.tolerance:g}:\n{table(checked)}",
            {"recipe": recipe.name, "version": recipe.version},
        )
    return checked


async def _checked(server: ModelServer, recipe: Recipe, golden: Found | Missing, tolerance: float) -> Checked:
    if isinstance(golden, Missing):
        return Checked(golden)
    geometry = Geometry.identity(recipe.input.width, recipe.input.height)
    decision = await decide(server, recipe, golden.tensor, geometry, timeout_s=INFER_TIMEOUT_S)
    evaluation = decision.verdict.evaluation.value
    is_near = abs(decision.score - golden.frame.score) <= tolerance
    return Checked(golden, evaluation, decision.score, passed=is_near and evaluation == golden.frame.evaluation)


def table(checked: Sequence[Checked]) -> str:
    """As plain text, for an error's sentence."""
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
