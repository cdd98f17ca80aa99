"""Whether a version may be put in force: its golden frames decide."""

from flawgate_contracts.errors import GoldenFailed
from flawgate_contracts.recipe import Recipe
from flawgate_imaging.golden_frames import Frames
from flawgate_inference import golden_checks
from flawgate_inference.golden_checks import Checked
from flawgate_inference.model_server import ModelServer

INFER_TIMEOUT_S = 60.0
"""For one golden frame: the first of a version may be slow."""


async def check(server: ModelServer, recipe: Recipe, frames: Frames) -> tuple[Checked, ...]:
    """Run a version on its golden frames; where none is at hand, on an even frame.

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
    found = await golden_checks.check(server, recipe, frames, timeout_s=INFER_TIMEOUT_S)
    if found.failed:
        raise GoldenFailed(
            f"Version {recipe.version} of recipe {recipe.name} judges {found.failed} of {len(frames.found)} golden "
            "frames otherwise than at its export, so it is not put in force; scores may differ by "
            f"{frames.tolerance:g}:\n{golden_checks.table(found.frames)}",
            {"recipe": recipe.name, "version": recipe.version},
        )
    return found.frames
