"""How a recipe slices its input, as data. `flawgate_imaging.tiles` cuts and merges."""

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.steps import MAX_SIDE_PX


class Tiling(BaseModel):
    """Overlapping tiles over the prepared picture. Paper b, section II.B: 30 slices of 512×64, 15 pixels apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows of one tile, in pixels.")
    width: int = Field(ge=1, le=MAX_SIDE_PX, description="Columns of one tile, in pixels.")
    stride_y: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows from one tile's top to the next one's, in pixels.")
    stride_x: int = Field(
        ge=1, le=MAX_SIDE_PX, description="Columns from one tile's left to the next one's, in pixels."
    )
