"""The recipe: how one kind of part is inspected. Written by `flawgate export`, read by the decision service.

It travels as JSON in the parameter `recipe` of the Triton ensemble that carries its name, so a model version and its
recipe switch together (docs/architecture.md, "The model repository is the border").
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flawgate_contracts.errors import BrokenRecipe
from flawgate_contracts.steps import MAX_SIDE_PX, Step, size_after

RECIPE_PARAMETER = "recipe"
"""Key of the recipe among the `parameters` of the ensemble's config.pbtxt."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A recipe's or model's name: also a folder, a metric label and a part of a URL."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorInput(_Part):
    """What the steps must produce and the first model takes: uint8, 0–255, (channels, height, width)."""

    channels: Literal[1, 3] = Field(description="1 for grey, 3 for RGB.")
    height: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows, in pixels.")
    width: int = Field(ge=1, le=MAX_SIDE_PX, description="Columns, in pixels.")


class Policy(_Part):
    """Turns model outputs into an evaluation. Paper d, section 3.2: NOT_OK from a score of 0.9 upwards."""

    version: str = Field(default="1", min_length=1, max_length=64, description="Name of this policy's version.")
    threshold: float = Field(default=0.9, ge=0, le=1, description="NOT_OK from this score upwards.")
    guard_band: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="A score less than this below the threshold is NOT_DECIDABLE: neither good nor bad for sure.",
    )
    mask_threshold: float = Field(
        default=0.5, gt=0, lt=1, description="A pixel belongs to a defect from this probability upwards."
    )
    min_defect_area_px: int = Field(
        default=1, ge=1, description="Smaller regions are no defects. Pixels of the original frame."
    )


class ModelReference(_Part):
    """One model of the repository that the recipe uses."""

    name: Name
    version: str = Field(pattern=r"^[1-9][0-9]*$", description="Version folder in the model repository.")
    sha256: Sha256 = Field(description="SHA-256 of its model.onnx, the artifact of record.")


class Provenance(_Part):
    """Where a recipe's models come from."""

    architecture: str = Field(description="Name of the network, e.g. `commutator_two_stage`.")
    paper: str | None = Field(default=None, description="The paper and section that the network follows.")
    dataset: str = Field(description="Name of the data set that the weights were trained on.")
    licence: str = Field(description="SPDX id, or name, of the licence of the weights.")
    metrics: dict[str, float] = Field(default_factory=dict, description="Figures of the model card, by name.")
    versions: dict[str, str] = Field(default_factory=dict, description="Versions of the tools that exported it.")
    commit: str | None = Field(default=None, description="Commit of Flawgate that exported it.")
    created_at: datetime = Field(description="When it was exported, UTC.")


class Recipe(_Part):
    """How one kind of part is inspected."""

    schema_version: Literal[1] = 1
    name: Name = Field(description="The recipe's name; also its ensemble's.")
    version: str = Field(pattern=r"^[1-9][0-9]*$", description="Version of the ensemble that carries it.")
    title: str = Field(min_length=1, max_length=200, description="One line for people.")
    kind: Literal["cascade"] = Field(description="`cascade`: segmentation, then classification (paper d).")
    input: TensorInput
    steps: tuple[Step, ...] = Field(min_length=1, max_length=32, description="From the frame to the tensor, in order.")
    classes: tuple[str, ...] = Field(
        min_length=1, max_length=256, description="Names of the mask's channels, in order."
    )
    policy: Policy = Policy()
    pixel_pitch_um: float | None = Field(
        default=None, gt=0, description="Side of one pixel of the original frame on the part, in micrometres."
    )
    models: tuple[ModelReference, ...] = Field(min_length=1, max_length=16)
    provenance: Provenance

    @model_validator(mode="after")
    def _steps_give_the_input(self) -> Self:
        size = size_after(self.steps)
        if size is not None and size != (self.input.height, self.input.width):
            raise ValueError(
                f"the steps give {size[0]}×{size[1]} pixels (height × width), "
                f"but the input is {self.input.height}×{self.input.width}"
            )
        return self

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str) -> Self:
        """Read a recipe.

        Args:
            text: JSON, as written by `model_dump_json`.
            source: where it stood, for the error's sentence.

        Raises:
            BrokenRecipe: the text is no JSON, or a field is missing, unknown or out of range; all are named.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as err:
            faults = "; ".join(
                f"{'.'.join(str(part) for part in fault['loc']) or 'recipe'}: {fault['msg']}" for fault in err.errors()
            )
            raise BrokenRecipe(f"The recipe in {source} cannot be read: {faults}.", {"source": source}) from err
