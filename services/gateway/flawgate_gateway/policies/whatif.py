"""What is asked of a simulation, and what it answers."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flawgate_contracts.recipe import Name, Policy
from flawgate_gateway.records.filters import Evaluation, InspectionFilter

Obstacle = Literal["NO_SCORE", "NOT_TRUSTED", "OTHER_MASK", "TOO_MANY_DEFECTS"]
"""Why a record cannot be judged again. `NO_SCORE`: the frame was not looked at; `NOT_TRUSTED`: its models judged golden
frames otherwise than they must at that time (GOLDEN_CHECK_FAILED). Of policies by area: `OTHER_MASK`, the
defects were found with another `mask_threshold` or a larger `min_defect_area_px`, or by a policy that is not known any
more; `TOO_MANY_DEFECTS`, a record lists 100 at most."""

MAX_EXAMPLES = 100


class SimulationRequest(InspectionFilter):
    """Which policy is tried, on which records: of one recipe, and all that is given besides must be met."""

    recipe: Name = Field(description="Name of the recipe.")
    policy: Policy | None = Field(default=None, description="To be tried; its `version` does not matter.")
    proposed_version: str | None = Field(
        default=None, max_length=64, description="Of a policy that there is already, e.g. `p3`, or `own`: the recipe's."
    )
    examples: int = Field(
        default=10, ge=0, le=MAX_EXAMPLES, description="Inspections named of each kind of mistake, at most."
    )

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        if (self.policy is None) == (self.proposed_version is None):
            raise ValueError("give either `policy` or `proposed_version`")
        return self

    def records(self) -> InspectionFilter:
        """The part that says which records."""
        return InspectionFilter.model_validate(self.model_dump(include=set(InspectionFilter.model_fields)))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outcome(_Part):
    """Records that were judged, and would be judged, in one way."""

    decided: Evaluation = Field(description="What was decided.")
    proposed: Evaluation = Field(description="What the policy would decide.")
    reviewed: Evaluation | None = Field(description="What the latest review says; null: there is none.")
    count: int


class Share(_Part):
    """A share of the records that could be judged again, 0 to 1; null where there are none."""

    decided: float | None
    proposed: float | None


class Mistakes(_Part):
    """Held against the reviews: of the records that were reviewed and could be judged again."""

    decided: int
    proposed: int
    examples: tuple[str, ...] = Field(description="Inspections that the policy would judge so, the latest first.")


class Simulation(_Part):
    """What a policy would have decided."""

    recipe: str
    policy: Policy = Field(description="That was tried; its `version` is `proposed` where it is none that there is.")
    records: int = Field(description="Records that were looked at, the latest.")
    truncated: bool = Field(description="Whether there are more, older ones, that were not looked at.")
    not_simulated: dict[Obstacle, int] = Field(description="Records that cannot be judged again, by the reason.")
    outcomes: tuple[Outcome, ...] = Field(description="The records that could: every combination that there is.")
    rejected_share: Share = Field(description="NOT_OK.")
    undecided_share: Share = Field(description="NOT_DECIDABLE.")
    reviewed: int = Field(description="Of the records that could be judged again, those with a review.")
    missed: Mistakes = Field(description="OK, and NOT_OK by the review.")
    false_alarms: Mistakes = Field(description="NOT_OK, and OK by the review.")
