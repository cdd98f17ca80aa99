"""Where a data set comes from and what its licence allows: quoted by recipes and model cards."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class About:
    """Facts about a data set.

    Attributes:
        name: as its makers call it.
        title: of a recipe that learned from it, one line.
        source: who made it, and where it was published.
        licence: SPDX id of the licence of weights that learned from it.
        notice: what that licence means for their use.
        shareable: whether its pictures may be passed on with a recipe.
    """

    name: str
    title: str
    source: str
    licence: str
    notice: str
    shareable: bool = False


def own(folder: Path) -> About:
    """Facts about a user's own pictures, of which only the folder's name is known."""
    name = folder.resolve().name
    return About(
        name=f"own pictures of {name}",
        title=f"{name}: own pictures",
        source=f"Pictures of the folder {name}, from whoever trained on them.",
        licence="proprietary",
        notice="They learned from own pictures, whose owner decides about their use.",
        shareable=True,
    )
