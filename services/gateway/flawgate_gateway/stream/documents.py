"""Streams and gaps as they are asked for and shown."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flawgate_gateway.answer import DropCause, Gap, UtcTime
from flawgate_gateway.frames import Delivery, Moment, PlantId
from flawgate_gateway.records.filters import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

_NEXT = "`next_page_token` of the page before, with the same query."


class PlaceQuery(BaseModel):
    """A page of what there is of some cameras."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: PlantId | None = Field(default=None, description="Inspection station.")
    camera: PlantId | None = Field(default=None, description="Camera at the station.")
    page_size: int = Field(default=DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Most of them a page.")
    page_token: str | None = Field(default=None, max_length=512, description=_NEXT)


class StreamQuery(PlaceQuery):
    """Which streams."""


class GapQuery(PlaceQuery):
    """Which gaps."""

    stream_id: UUID | None = Field(default=None, description="Of this stream.")
    from_: Moment | None = Field(default=None, alias="from", description="On record at this time or later.")
    to: Moment | None = Field(default=None, description="On record before this time.")


class StreamSummary(BaseModel):
    """One numbering of one camera's frames, as the camera's side said it last."""

    stream_id: str = Field(description="UUID.")
    plant: str | None
    line: str | None
    station: str
    camera: str
    recipe: str
    delivery: Delivery = Field(description="What the camera's side does with frames that it cannot send in time.")
    opened_at: UtcTime = Field(description="When the first of it went on record.")
    seen_at: UtcTime = Field(description="When the last of it went on record.")
    frames: int = Field(description="Highest number on record.")


class StreamFacts(StreamSummary):
    """The same, with its counts: frames = inspections + dropped + those of `missing`."""

    inspections: int = Field(description="Frames that have an inspection.")
    dropped: dict[DropCause, int] = Field(description="Frames within gaps, by cause.")
    missing: list[tuple[int, int]] = Field(
        description="Numbers that are not on record (yet): first and last of each range, the lowest 100 ranges."
    )


class StreamPage(BaseModel):
    """Some of the streams, the newest first."""

    streams: tuple[StreamSummary, ...]
    next_page_token: str | None = Field(description="Null: this is the last page.")


class GapPage(BaseModel):
    """Some of the gaps, the newest first."""

    gaps: tuple[Gap, ...]
    next_page_token: str | None = Field(description="Null: this is the last page.")
