"""What good parts look like to a recipe: how its score and its pictures' measures are distributed in the reference.

Written by `flawgate export`; the gateway holds against it what it sees (`flawgate_imaging.drift`).
"""

from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Feature = Literal["score", "mean", "dark_share", "bright_share", "focus"]
"""What drifts: the recipe's score, and the measures of a picture's quality (`flawgate_imaging.quality.Measures`)."""
FEATURES: tuple[Feature, ...] = get_args(Feature)

MAX_BINS = 10

_ROUNDING = 1e-4
"""By so much the shares may miss 1: each is rounded."""

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Distribution(_Part):
    """How often a feature lies in which bin. A bin holds its lower edge, and not its upper one."""

    edges: tuple[_Number, ...] = Field(
        min_length=3,
        max_length=MAX_BINS + 1,
        description="Ascending. The first and the last bin are open: what lies beyond the edges belongs to them.",
    )
    shares: tuple[_Share, ...] = Field(
        min_length=2, max_length=MAX_BINS, description="Of the reference's frames, bin by bin; their sum is 1."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.edges) != len(self.shares) + 1:
            raise ValueError(f"{len(self.shares)} bins have {len(self.shares) + 1} edges, not {len(self.edges)}")
        if any(lower >= upper for lower, upper in pairwise(self.edges)):
            raise ValueError("edges must ascend")
        if abs(sum(self.shares) - 1) > _ROUNDING:
            raise ValueError(f"the shares' sum is {sum(self.shares):g}, not 1")
        return self


class Reference(_Part):
    """Frames of good parts, at the time of the export."""

    frames: int = Field(ge=1, description="How many were measured.")
    features: dict[Feature, Distribution] = Field(
        min_length=1, description="The score, and the picture's measures where the recipe limits its quality."
    )
