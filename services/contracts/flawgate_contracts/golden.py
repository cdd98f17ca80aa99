"""Golden frames: tensors that a recipe version must go on judging as it did when it was exported.

They stand in `<recipe>/<version>/golden.json` of the model repository, their pictures beside it as PNG, as the steps
prepared them. Pictures that may not be passed on (a data set's licence) stay out: only their digests are there, and
whoever has the data set can still check them.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.recipe import Sha256

FILE = "golden.json"

GOLDEN_PARAMETER = "golden"
"""Key of the golden frames among the `parameters` of the ensemble's config.pbtxt: JSON, as in golden.json."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldenFrame(_Part):
    """One tensor, and what must be said about it."""

    name: str = Field(min_length=1, max_length=500, description="For people; a path within the data set, if of one.")
    sha256: Sha256 = Field(description="Of the tensor's bytes: uint8, (channels, height, width), row-major.")
    picture: str | None = Field(
        default=None, description="PNG of the tensor, a path within the version's folder; null: it may not be shipped."
    )
    evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"]
    score: float = Field(ge=0, le=1)


class Golden(_Part):
    """The golden frames of one version of a recipe."""

    tolerance: float = Field(gt=0, le=1, description="Largest difference of a score from the one here.")
    frames: tuple[GoldenFrame, ...] = Field(min_length=1, max_length=64)
