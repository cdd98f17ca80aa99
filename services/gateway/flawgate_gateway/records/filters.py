"""What a query for inspections may ask for."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from flawgate_contracts.recipe import Name, Sha256
from flawgate_gateway.answer import Variant
from flawgate_gateway.frames import Identity, Moment

T = TypeVar("T")

Evaluation = Literal["OK", "NOT_OK", "NOT_DECIDABLE"]
Order = Literal["newest", "oldest"]

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

_Version = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
_Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class InspectionFilter(Identity):
    """All that is given must be met; what is not given does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Name | None = Field(default=None, description="Name of the recipe.")
    recipe_version: _Version | None = Field(default=None, description="Version of the recipe and so of its models.")
    policy_version: _Version | None = Field(default=None, description="Version of the policy.")
    variant: Variant | None = Field(default=None, description="Which decision service judged.")
    evaluation: tuple[Evaluation, ...] = Field(
        default=(), max_length=3, description="One of these; say it several times for several."
    )
    reason: str | None = Field(
        default=None, pattern=r"^[A-Z][A-Z0-9_]{0,63}$", description="Why the evaluation, e.g. `SCORE_IN_GUARD_BAND`."
    )
    decided_from: Moment | None = Field(default=None, description="Decided at this time or later.")
    decided_to: Moment | None = Field(default=None, description="Decided before this time.")
    max_margin: _Unit | None = Field(
        default=None, description="Score no further than this from the threshold, on either side."
    )
    min_score: _Unit | None = Field(default=None, description="This score or a higher one.")
    max_score: _Unit | None = Field(default=None, description="This score or a lower one.")
    reviewed: bool | None = Field(default=None, description="Whether a person has reviewed it.")
    frame_sha256: Sha256 | None = Field(default=None, description="SHA-256 of the frame's bytes.")

    @field_validator("decided_to")
    @classmethod
    def _not_before(cls, value: Moment | None, info: ValidationInfo) -> Moment | None:
        return _ordered(info.data.get("decided_from"), value, "decided_from")

    @field_validator("max_score")
    @classmethod
    def _not_below(cls, value: float | None, info: ValidationInfo) -> float | None:
        return _ordered(info.data.get("min_score"), value, "min_score")


class PageRequest(BaseModel):
    """Which part of a list, and from which end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Order = Field(default="newest", description="Which come first.")
    page_size: int = Field(default=DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Most inspections a page.")
    page_token: str | None = Field(
        default=None,
        max_length=512,
        description="`next_page_token` of the page before, with the same query.",
    )


def _ordered(low: Any, high: T, low_name: str) -> T:
    if low is not None and high is not None and low > high:
        raise ValueError(f"it lies before `{low_name}`")
    return high
