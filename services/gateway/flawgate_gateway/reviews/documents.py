"""Reviews as they are told."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from flawgate_gateway.answer import UtcTime
from flawgate_gateway.frames import TEXT, PlantId
from flawgate_gateway.records.filters import Evaluation

Comment = Annotated[str, Field(min_length=1, max_length=4_000, pattern=TEXT)]
"""In a person's own words."""


class ReviewDraft(BaseModel):
    """What a person says of an inspection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: Evaluation = Field(description="What the part is, by the eyes of the reviewer.")
    comment: Comment | None = Field(default=None, description="Why, for people: 1 to 4000 characters.")
    reviewer: PlantId | None = Field(default=None, description="Who looked; the name of the API key where none.")


class Review(BaseModel):
    """One review. It is never changed: who errs reviews again, and the latest counts."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    id: str = Field(alias="review_id", description="UUIDv7.")
    inspection_id: str
    evaluation: Evaluation
    reviewer: str
    comment: str | None
    reviewed_at: UtcTime


class ReviewList(BaseModel):
    """All reviews of an inspection."""

    reviews: tuple[Review, ...] = Field(description="The oldest first; the last one counts.")
