"""Where a data set comes from and what its licence allows: quoted by recipes and model cards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """Facts about a data set.

    Attributes:
        name: as its makers call it.
        title: of a recipe that learned from it, one line.
        source: who made it, and where it was published.
        licence: SPDX id of the licence of weights that learned from it.
        notice: what that licence means for their use.
    """

    name: str
    title: str
    source: str
    licence: str
    notice: str
