"""What comes in: a frame, and who it is from."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.recipe import Name

PlantId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""Whatever the MES calls it: 1 to 128 characters, none of them a control character."""


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


class InspectionOrder(Identity):
    """All that may be said beside the picture, as form fields or in the query."""

    recipe: Name = Field(description="Name of the recipe, see `GET /v1/recipes`.")
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
