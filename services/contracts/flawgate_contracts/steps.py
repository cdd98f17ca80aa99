"""The pre-processing steps that a recipe may name, as data. `flawgate_imaging.pipeline` carries them out.

A step takes pixels, uint8, 0–255, shape (H, W) for grey or (H, W, 3) for RGB, and gives pixels of the same kind.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

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


class Crop(_Step):
    """A rectangle of what the steps before it give. A frame that does not hold all of it is refused."""

    op: Literal["crop"] = "crop"
    x: int = Field(ge=0, lt=MAX_SIDE_PX, description="First column, in pixels.")
    y: int = Field(ge=0, lt=MAX_SIDE_PX, description="First row, in pixels.")
    width: int = Field(ge=1, le=MAX_SIDE_PX, description="Columns of the result, in pixels.")
    height: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows of the result, in pixels.")


class Rotate(_Step):
    """By quarter turns, clockwise; no pixel is interpolated or lost."""

    op: Literal["rotate"] = "rotate"
    quarter_turns: int = Field(ge=1, le=3, description="How often by 90° clockwise.")


class MedianBlur(_Step):
    """Each pixel becomes the median of the square around it: noise goes, edges stay. Paper e, section 2."""

    op: Literal["median_blur"] = "median_blur"
    size: int = Field(ge=3, le=31, description="Side of the square, odd, in pixels: twice the paper's radius plus 1.")

    @field_validator("size")
    @classmethod
    def _odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise ValueError(f"the square around a pixel has an odd side: {size - 1} or {size + 1}, not {size}")
        return size


Combine = Literal["sum", "hypot"]
"""How the slopes along x and y become one: |x| + |y|, or the length of the gradient, √(x² + y²), rounded."""


class Sobel(_Step):
    """Strength of edges by the first derivatives, 3×3 kernels, clipped to 255. Paper e, section 2."""

    op: Literal["sobel"] = "sobel"
    combine: Combine = "sum"


class Laplacian(_Step):
    """Strength of edges by the second derivatives, absolute, 3×3 kernel, clipped to 255. Paper e, section 2."""

    op: Literal["laplacian"] = "laplacian"


class Edges(_Step):
    """Sobel plus Laplacian, clipped to 255: the combination of paper e, sections 2 and 4.1."""

    op: Literal["edges"] = "edges"
    combine: Combine = Field(default="sum", description="Of the Sobel part.")


class Contour(_Step):
    """Dark contours on white, exactly as Pillow's `ImageFilter.CONTOUR`. Paper e, sections 2 and 4.1."""

    op: Literal["contour"] = "contour"


Step = Annotated[
    Grey | Colour | Resize | Crop | Rotate | MedianBlur | Sobel | Laplacian | Edges | Contour,
    Field(discriminator="op"),
]

STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])
"""Reads and writes a sequence of steps as plain JSON values."""


def size_after(steps: Iterable[Step]) -> tuple[int, int] | None:
    """Rows and columns, in pixels, of what the steps give; None where that depends on the frame."""
    size: tuple[int, int] | None = None
    for step in steps:
        if isinstance(step, Resize | Crop):
            size = step.height, step.width
        elif isinstance(step, Rotate) and size is not None and step.quarter_turns % 2:
            size = size[::-1]
    return size


def channels_after(steps: Iterable[Step]) -> Literal[1, 3] | None:
    """Channels of what the steps give: 1 for grey, 3 for RGB; None where that depends on the frame."""
    channels: Literal[1, 3] | None = None
    for step in steps:
        if isinstance(step, Grey | Colour):
            channels = 1 if isinstance(step, Grey) else 3
    return channels
