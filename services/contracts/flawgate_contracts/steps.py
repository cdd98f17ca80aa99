"""The pre-processing steps that a recipe may name, as data. `flawgate_imaging.pipeline` carries them out.

A step takes pixels, uint8, 0–255, shape (H, W) for grey or (H, W, 3) for RGB, and gives pixels of the same kind.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MAX_SIDE_PX = 16_384
"""Longest side, in pixels, that a step may produce."""


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grey(_Step):
    """To one channel, (H, W): 0.299 R + 0.587 G + 0.114 B, rounded. Grey pixels pass unchanged."""

    op: Literal["grey"] = "grey"


class Colour(_Step):
    """To three channels, RGB, (H, W, 3). Grey pixels are repeated, RGB passes unchanged."""

    op: Literal["colour"] = "colour"


class Resize(_Step):
    """To `height` × `width` pixels; the aspect ratio is not kept."""

    op: Literal["resize"] = "resize"
    height: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows of the result, in pixels.")
    width: int = Field(ge=1, le=MAX_SIDE_PX, description="Columns of the result, in pixels.")
    interpolation: Literal["linear", "area", "nearest"] = Field(
        default="linear", description="`area` averages and suits shrinking by 2 and more; `linear` suits the rest."
    )


Step = Annotated[Grey | Colour | Resize, Field(discriminator="op")]

STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])
"""Reads and writes a sequence of steps as plain JSON values."""
