"""What comes in: a frame, and who it is from."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from flawgate_contracts.recipe import Name

PlantId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""Whatever the MES calls it: 1 to 128 characters, none of them a control character."""

TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+$"
"""Text of several lines: no control characters but line ends and tabs. PostgreSQL takes no NUL."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc_3339(value: Any) -> Any:
    """Refuse what pydantic alone would take for a time, such as a bare number."""
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        raise ValueError(
            "write it by RFC 3339 with its zone, such as 2026-11-20T10:15:02Z (in a URL, + is written %2B)"
        )
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("write a time between the years 1 and 9999, by UTC too") from err


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_utc)]
"""RFC 3339 with a zone; finer than microseconds is cut off. Kept in UTC."""


@dataclass(frozen=True, slots=True)
class RawLayout:
    """How raw pixels lie: rows from the top, 1 (grey) or 3 (R, G, B) bytes a pixel, 0–255, without padding."""

    width: int
    height: int
    channels: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: an encoded file, or raw pixels when `layout` is given."""

    data: bytes
    layout: RawLayout | None = None
    repeats: bool = False
    """Whether the frame before it in its camera's stream had the very same bytes."""
    sha256: str | None = None
    """Of `data`, hexadecimal, where it is known already."""


class Identity(BaseModel):
    """Where in the plant a frame comes from, as the MES names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plant: PlantId | None = Field(default=None, description="Plant, as the MES names it.")
    line: PlantId | None = Field(default=None, description="Production line.")
    station: PlantId | None = Field(default=None, description="Inspection station.")
    camera: PlantId | None = Field(default=None, description="Camera at the station.")
    part: PlantId | None = Field(default=None, description="Serial number of the part.")
    lot: PlantId | None = Field(default=None, description="Lot, or batch.")
    work_order: PlantId | None = Field(default=None, description="Work order.")


Delivery = Literal["lossless", "latest", "every"]
"""What a camera's side does with frames that it cannot send in time: keep them, drop the oldest, hold the source up."""


@dataclass(frozen=True, slots=True)
class CameraStream:
    """One numbering of one camera's frames, as the camera's side says it."""

    stream_id: str
    """UUID."""
    caller: str
    """Id of the key that opened it."""
    identity: Identity
    """Where the frames come from; with `station` and `camera`."""
    recipe: str
    """Name of the recipe."""
    delivery: Delivery


class InspectionOrder(Identity):
    """All that may be said beside the picture, as form fields or in the query."""

    recipe: Name = Field(description="Name of the recipe, see `GET /v1/recipes`.")
    acquired_at: Moment | None = Field(
        default=None, description="When the picture was taken: RFC 3339 with a time zone."
    )
    deadline_ms: int | None = Field(
        default=None,
        ge=1,
        le=600_000,
        description="Answer within so many milliseconds, or not at all.",
    )
    width: int | None = Field(default=None, ge=1, le=65_535, description="Columns, of raw pixels only.")
    height: int | None = Field(default=None, ge=1, le=65_535, description="Rows, of raw pixels only.")
    channels: Literal["1", "3"] | None = Field(default=None, description="1 (grey) or 3 (RGB), of raw pixels only.")

    def identity(self) -> Identity:
        """The part of the order that the record keeps."""
        return Identity.model_validate(self.model_dump(include=set(Identity.model_fields)))
