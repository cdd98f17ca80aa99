"""What the parity gate finds, and what it lets pass. `parity.json` beside a recipe's version is a `Parity`."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.recipe import Precision
from flawgate_training.datasets.items import Pixels

NEAR = 0.1
"""Scores at most this far from the threshold are near it: there, a small shift can flip an evaluation."""

SMALL_MASK_PX = 20
"""Where both masks have fewer pixels, in the resolution of the map, overlap says nothing."""

EDGE_PX = 2
"""Nor where they differ by so few: at its edge a mask passes through every probability, and a pixel next to the
threshold falls on either side of it by rounding alone."""

Evaluation = Literal["OK", "NOT_OK", "NOT_DECIDABLE"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(_Part):
    """How far an exported model may be from the trained one."""

    score: float = Field(description="Largest shift of a score, 0–1.")
    near_threshold: float = Field(description="Largest shift of a score that torch gives within 0.1 of the threshold.")
    mask_iou: float = Field(description="Least overlap of the masks, intersection over union.")
    explanation: float = Field(default=1.0, description="Largest mean difference of an explanation's pixels, 0–1.")


TOLERANCES: Mapping[Precision, Tolerance] = {
    "fp32": Tolerance(score=1e-3, near_threshold=1e-3, mask_iou=0.999, explanation=1e-3),
    "fp16": Tolerance(score=1e-2, near_threshold=1e-2, mask_iou=0.99, explanation=1e-2),
    "int8": Tolerance(score=0.05, near_threshold=0.025, mask_iou=0.95, explanation=0.05),
}
"""By what a model computes with. An evaluation that flips is refused whatever these say.

What trained networks show on held-out frames: rounding in another order moves a score by 1e-6 in float32, so 1e-3 finds
every real difference, as a normalisation left out. Float16 moves it by 1.3e-3 for the commutator network, by 1.5e-5 for
the customised U-Net of DAGM. Int8 moves it by 0.005 for the latter, with masks that overlap by 0.992, and passes. For
the commutator network it moves one by 0.046 next to the threshold of 0.9, and is refused: among many frames, some lie
that close to it.

Explanations of the leather network differ by 1e-8 on average in float32, by 6e-4 in float16, by 0.008 in int8.
"""


class NamedFrame(NamedTuple):
    """A frame as the recipe's steps prepare it: (H, W) or (H, W, 3), uint8, 0–255."""

    name: str
    pixels: Pixels


class FrameParity(_Part):
    """What both say of one frame."""

    name: str
    torch_score: float
    onnx_score: float
    torch_evaluation: Evaluation
    onnx_evaluation: Evaluation
    mask_iou: float | None = Field(description="Overlap of the defect pixels, 1 where neither has any; null: no masks.")
    mask_px: int | None = Field(description="Defect pixels of the larger mask; null: no masks.")
    mask_px_apart: int | None = Field(description="Pixels that belong to one mask alone; null: no masks.")
    map_difference: float | None = Field(description="Largest difference of a map's pixel, 0–1; null: no maps.")
    logit_difference: float | None = Field(
        description="Largest difference in front of a sigmoid or softmax; null: there is none."
    )
    explanation_difference: float | None = Field(
        default=None,
        description="Mean difference of the explanations' pixels, 0–1, in the tile where they differ most; null: there "
        "are none, or both answer another class.",
    )

    @property
    def shift(self) -> float:
        """Between the scores, 0–1."""
        return abs(self.onnx_score - self.torch_score)

    @property
    def mask_is_large(self) -> bool:
        """Whether the overlap of the masks says anything."""
        return self.mask_px is not None and self.mask_px >= SMALL_MASK_PX

    @property
    def masks_differ(self) -> bool:
        """Whether it is held against the tolerance."""
        return self.mask_is_large and self.mask_px_apart is not None and self.mask_px_apart > EDGE_PX

    @property
    def flipped(self) -> bool:
        """Whether the evaluations differ."""
        return self.torch_evaluation != self.onnx_evaluation


class Parity(_Part):
    """How exported models answered beside the trained network. `parity.json` is its JSON."""

    precision: Precision
    tolerance: Tolerance
    threshold: float
    frames: tuple[FrameParity, ...]
    largest_score_shift: float
    largest_score_shift_near_threshold: float | None = Field(description="Null: no score was near the threshold.")
    least_mask_iou: float | None = Field(description="Of masks of 20 pixels or more; null: there are none.")
    largest_map_difference: float | None
    largest_logit_difference: float | None
    largest_explanation_difference: float | None = None
    flipped: tuple[str, ...] = Field(description="Frames whose evaluation is another.")
    versions: dict[str, str]
    passed: bool
    faults: tuple[str, ...] = Field(description="What is wrong, a sentence each.")

    def as_json(self) -> bytes:
        """The content of `parity.json`."""
        return self.model_dump_json(indent=2).encode() + b"\n"
