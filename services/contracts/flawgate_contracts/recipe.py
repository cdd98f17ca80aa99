"""The recipe: how one kind of part is inspected. Written by `flawgate export`, read by the decision service.

It travels as JSON in the parameter `recipe` of the Triton ensemble that carries its name, so a model version and its
recipe switch together (docs/architecture.md, "The model repository is the border").
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flawgate_contracts import kinds
from flawgate_contracts.errors import BrokenRecipe, InvalidParameter
from flawgate_contracts.kinds import Kind
from flawgate_contracts.reference import Reference
from flawgate_contracts.steps import MAX_SIDE_PX, Step, size_after
from flawgate_contracts.tiling import Tiling

RECIPE_PARAMETER = "recipe"
"""Key of the recipe among the `parameters` of the ensemble's config.pbtxt."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A recipe's or model's name: also a folder, a metric label and a part of a URL."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


MAX_REASON = 500
"""Characters of the reason with which a refusal was overruled."""

Precision = Literal["fp32", "fp16", "int8"]
"""What a typed ONNX file computes with; its inputs and outputs are the same for all."""

Target = Literal["cpu", "gpu"]
"""What a graph's operators were chosen for; any runtime answers the same with either."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorInput(_Part):
    """What the steps must produce and the first model takes: uint8, 0–255, (channels, height, width)."""

    channels: Literal[1, 3] = Field(description="1 for grey, 3 for RGB.")
    height: int = Field(ge=1, le=MAX_SIDE_PX, description="Rows, in pixels.")
    width: int = Field(ge=1, le=MAX_SIDE_PX, description="Columns, in pixels.")


class AreaLimits(_Part):
    """How much of a class a frame may, and must, show: the sum over its defects, in pixels of the original frame."""

    min_px: int = Field(default=0, ge=0, description="NOT_OK with less than this.")
    max_px: int | None = Field(default=None, ge=0, description="NOT_OK with more than this; null: no limit.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_px is not None and self.max_px < self.min_px:
            raise ValueError(f"max_px, {self.max_px}, is below min_px, {self.min_px}")
        return self


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
    areas: dict[str, AreaLimits] = Field(
        default_factory=dict,
        description="By class of a segmentation: limits of its area. Where there are any they decide, not the score.",
    )


class QualityLimits(_Part):
    """How good a picture must be to be judged at all; outside of them it is NOT_DECIDABLE, and no model is asked.

    Of the frame as it came, before the steps; of RGB its luma. `flawgate_imaging.quality` measures and compares. A
    black picture is refused by any limits, also by those that leave everything open.
    """

    min_mean: float | None = Field(default=None, ge=0, le=1, description="PICTURE_TOO_DARK with a mean below this.")
    max_mean: float | None = Field(default=None, ge=0, le=1, description="PICTURE_TOO_BRIGHT with a mean above this.")
    max_dark_share: float | None = Field(
        default=None, ge=0, le=1, description="PICTURE_TOO_DARK where more of the pixels are at most 5 of 255."
    )
    max_bright_share: float | None = Field(
        default=None, ge=0, le=1, description="PICTURE_TOO_BRIGHT where more of the pixels are at least 250 of 255."
    )
    min_focus: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="PICTURE_OUT_OF_FOCUS with a variance of the Laplacian (pixels 0 to 255) below this.",
    )
    refuse_repeats: bool = Field(
        default=False,
        description="PICTURE_FROZEN where a camera's stream brings the very bytes of the frame before once more.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_mean is not None and self.max_mean is not None and self.max_mean < self.min_mean:
            raise ValueError(f"max_mean, {self.max_mean:g}, is below min_mean, {self.min_mean:g}")
        return self


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
    precision: Precision = Field(default="fp32", description="Numbers that the networks compute with.")
    target: Target = Field(default="cpu", description="What the graphs were rewritten for.")
    parity_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of parity.json: how the models were compared with the trained network."
    )
    forced: str | None = Field(
        default=None,
        max_length=MAX_REASON,
        description="Why it was published although parity was refused; null: it was not.",
    )
    created_at: datetime = Field(description="When it was exported, UTC.")


class Recipe(_Part):
    """How one kind of part is inspected."""

    schema_version: Literal[1] = 1
    name: Name = Field(description="The recipe's name; also its ensemble's.")
    version: str = Field(pattern=r"^[1-9][0-9]*$", description="Version of the ensemble that carries it.")
    title: str = Field(min_length=1, max_length=200, description="One line for people.")
    kind: Kind = Field(description="Which models it runs, see flawgate_contracts.kinds.")
    input: TensorInput = Field(description="What the steps give.")
    steps: tuple[Step, ...] = Field(min_length=1, max_length=32, description="From the frame to the tensor, in order.")
    tiling: Tiling | None = Field(
        default=None, description="Slices of the tensor, each shown to the models by itself; null: the whole."
    )
    max_batch_size: int = Field(default=4, ge=1, le=64, description="Tensors, or tiles, that one request may hold.")
    classes: tuple[str, ...] = Field(
        min_length=1,
        max_length=256,
        description="Names of the mask's channels or of the probabilities, in order; of several, the first is the "
        "background or, where `good_class` says so, the good one.",
    )
    good_class: bool = Field(
        default=True, description="Of a classification of several classes: whether the first is that of good parts."
    )
    explained: bool = Field(
        default=False, description="Of a classification: whether its model also says where the class answered is seen."
    )
    top_share: float = Field(
        default=0.001,
        gt=0,
        le=1,
        description="Of a segmentation or anomaly: a map's score is the mean of this share of its highest pixels.",
    )
    policy: Policy = Policy()
    quality: QualityLimits | None = Field(
        default=None, description="How good a picture must be to be judged; null: any picture is."
    )
    reference: Reference | None = Field(
        default=None, description="What good parts look like, to tell whether that changes; null: nobody measured it."
    )
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

    @model_validator(mode="after")
    def _tiles_fit_into_the_input(self) -> Self:
        tile = self.tiling
        if tile is not None and (tile.height > self.input.height or tile.width > self.input.width):
            raise ValueError(
                f"a tile has {tile.height}×{tile.width} pixels (height × width), "
                f"but the input only {self.input.height}×{self.input.width}"
            )
        return self

    @model_validator(mode="after")
    def _limits_are_of_known_classes(self) -> Self:
        fault = self._fault_of(self.policy)
        if fault:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _only_classifications_are_explained(self) -> Self:
        if self.explained and self.kind != "classification":
            raise ValueError(f"a {self.kind} shows by its map what it answers; only a classification is explained")
        return self

    @property
    def calls(self) -> tuple[kinds.Call, ...]:
        """Its models in the order of their run: what each takes and gives."""
        return kinds.calls(self.kind, explained=self.explained)

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of what its ensemble gives."""
        return kinds.answers(self.kind, explained=self.explained)

    def under(self, policy: Policy) -> Self:
        """The same recipe, judged by another policy.

        Raises:
            InvalidParameter: the policy limits areas of classes that the recipe lacks, or that its kind does not
                measure.
        """
        fault = self._fault_of(policy)
        if fault:
            raise InvalidParameter(
                f"Policy {policy.version} does not fit recipe {self.name}, version {self.version}: {fault}; limit "
                f"classes of {', '.join(self.classes)} in a segmentation alone.",
                {"field": "policy.areas", "recipe": self.name},
            )
        return self.model_copy(update={"policy": policy})

    def _fault_of(self, policy: Policy) -> str | None:
        unknown = sorted(set(policy.areas) - set(self.classes))
        if not unknown and (not policy.areas or self.kind == "segmentation"):
            return None
        wrong = f"no class is named {', '.join(unknown)}" if unknown else f"a {self.kind} measures no areas"
        return f"the policy limits areas, but {wrong}"

    @property
    def shown(self) -> TensorInput:
        """What the models take: a tile, or the whole input."""
        if self.tiling is None:
            return self.input
        return TensorInput(channels=self.input.channels, height=self.tiling.height, width=self.tiling.width)

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
