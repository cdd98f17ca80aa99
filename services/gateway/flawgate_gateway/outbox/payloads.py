"""The data of events. What is added later is added: a reader must take fields that it does not know."""

from datetime import datetime
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from flawgate_gateway.answer import Inspection, UtcTime
from flawgate_gateway.frames import Identity

MAX_TEXT_CHARACTERS = 1_500
"""Longest comment or reason that goes along; the whole of it is had over the API."""

_CUT = "…"


class Reviewed(Protocol):
    """What an event tells of a review."""

    @property
    def id(self) -> str:
        """UUID."""

    @property
    def evaluation(self) -> str:
        """OK, NOT_OK or NOT_DECIDABLE."""

    @property
    def reviewer(self) -> str:
        """Who said so."""

    @property
    def comment(self) -> str | None:
        """In their own words."""

    @property
    def reviewed_at(self) -> datetime:
        """With a time zone."""


def _open(schema: dict[str, Any]) -> None:
    """Let readers that check the schema live through what is added later."""
    schema.pop("additionalProperties", None)


class CompletedData(Inspection):
    """The inspection as it was answered; pictures by reference. Links are paths of the gateway."""

    model_config = ConfigDict(json_schema_extra=_open)

    defects_left_out: int = Field(ge=0, description="Defects that are not listed here, the least sure; 0: all are.")
    probabilities_left_out: int = Field(ge=0, description="Classes that are not listed here; 0: all are.")


class ReviewLinks(BaseModel):
    """Where more is to be had: paths of the gateway."""

    inspection: str


class ReviewedData(Identity):
    """What a person said of an inspection. The last review of an inspection counts."""

    model_config = ConfigDict(json_schema_extra=_open)

    review_id: str
    inspection_id: str
    evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"] = Field(description="What the person says.")
    inspected_evaluation: Literal["OK", "NOT_OK", "NOT_DECIDABLE"] = Field(description="What the machine had said.")
    reviewer: str
    comment: str | None = Field(description=f"Cut after {MAX_TEXT_CHARACTERS} characters.")
    reviewed_at: UtcTime
    recipe: str
    links: ReviewLinks

    @classmethod
    def of(cls, inspection: Inspection, review: Reviewed) -> Self:
        """What is told of a review."""
        return cls.model_validate(
            {
                **inspection.model_dump(include=set(Identity.model_fields)),
                "review_id": review.id,
                "inspection_id": inspection.inspection_id,
                "evaluation": review.evaluation,
                "inspected_evaluation": inspection.evaluation,
                "reviewer": review.reviewer,
                "comment": None if review.comment is None else shortened(review.comment),
                "reviewed_at": review.reviewed_at,
                "recipe": inspection.recipe,
                "links": {"inspection": f"/v1/inspections/{inspection.inspection_id}"},
            }
        )


class PolicyActivatedData(BaseModel):
    """Another version of a recipe's policy is in force."""

    recipe: str
    policy_version: str = Field(
        description="`p3`, as inspections name it; `own`: the policy that the recipe brings along."
    )
    author: str
    reason: str = Field(description=f"Cut after {MAX_TEXT_CHARACTERS} characters.")
    activated_at: UtcTime


def shortened(words: str) -> str:
    """Words that are not too long for an event."""
    return words if len(words) <= MAX_TEXT_CHARACTERS else words[: MAX_TEXT_CHARACTERS - 1] + _CUT
