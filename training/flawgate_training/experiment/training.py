"""How one stage of a network learns."""

from typing import Literal, Self

from pydantic import Field, model_validator

from flawgate_training.experiment.part import Part

LossName = Literal["bce", "cross_entropy", "focal", "dice", "dice_ce", "distance_weighted_bce", "mse", "mse_ssim"]

Sampler = Literal["alternate", "frequency_of_use", "hard_negatives", "class_balanced", "shuffled"]

Precision = Literal["32", "16-mixed", "bf16-mixed"]
"""What a network computes with; its weights are float32 in any case."""


class Loss(Part):
    """What is minimised."""

    name: LossName = Field(description="Which loss; `flawgate_training.learning.losses` has a function of each name.")
    gamma: float = Field(default=2.0, ge=0, description="Focusing exponent of `focal`.")
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="Label smoothing of `cross_entropy`.")
    positive_weight: float = Field(
        default=1.0, gt=0, description="What a missed defect costs, in false alarms (`bce`)."
    )
    balanced: bool = Field(default=False, description="Weigh classes by their inverse frequency (`cross_entropy`).")
    distance_power: float = Field(default=2.0, gt=0, description="Exponent of `distance_weighted_bce`.")
    distance_weight: float = Field(default=1.0, gt=0, description="Largest weight of `distance_weighted_bce`.")
    ssim: float = Field(default=0.5, ge=0, le=1, description="Share of the SSIM term in `mse_ssim`.")


class Augmentation(Part):
    """What is drawn for each frame shown; masks move along."""

    flip_horizontal: bool = Field(default=True, description="Mirror left-right in half of the draws.")
    flip_vertical: bool = Field(default=True, description="Mirror top-bottom in half of the draws.")
    brightness: float = Field(default=12.0, ge=0, le=128, description="Largest shift, in grey levels of 255.")
    contrast: float = Field(default=0.1, ge=0, lt=1, description="Largest relative change of contrast.")
    rotation_deg: float = Field(default=0.0, ge=0, le=45, description="Largest turn, in degrees; edges are reflected.")
    scale: float = Field(default=0.0, ge=0, lt=0.5, description="Largest relative change of size.")
    crop: int | None = Field(
        default=None,
        ge=16,
        multiple_of=16,
        description="Side of the square learned from, in pixels; in a defective frame it holds part of a defect.",
    )
    transplants: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the defective frames drawn whose defect is shown on a good frame instead.",
    )
    faintest: float = Field(
        default=0.5, gt=0, le=1, description="Smallest share of its own contrast that a transplanted defect keeps."
    )
    sideways: float = Field(
        default=0.0,
        ge=0,
        le=1,
        exclude_if=lambda share: share == 0,
        description="Share of the transplanted defects that move left or right as well as up or down.",
    )

    @model_validator(mode="after")
    def _what_moves_is_transplanted(self) -> Self:
        if self.sideways and not self.transplants:
            raise ValueError("sideways moves transplants, and there are none: set transplants, or sideways to 0")
        return self


NO_AUGMENTATION = Augmentation(flip_horizontal=False, flip_vertical=False, brightness=0, contrast=0)


class Corruption(Part):
    """What a reconstruction is shown in place of the good frame, and must undo; see `learning.corruption`."""

    share: float = Field(default=0.9, gt=0, le=1, description="Share of the frames shown that are corrupted.")
    most: int = Field(default=6, ge=1, le=64, description="Largest number of places of a frame that are covered.")
    smallest_px: float = Field(default=4.0, ge=1, description="Length of the smallest cover, in pixels of the input.")
    largest_px: float = Field(default=64.0, ge=1, description="Length of the largest cover, in pixels of the input.")

    @model_validator(mode="after")
    def _sizes_are_in_order(self) -> Self:
        if self.smallest_px > self.largest_px:
            raise ValueError(f"smallest_px, {self.smallest_px:g}, is above largest_px, {self.largest_px:g}; swap them")
        return self


class FeatureBank(Part):
    """Features of the frozen first stage, computed once and shown again (the second stage of a cascade)."""

    epochs: int = Field(default=5, ge=1, description="Epochs of frames, as augmented, whose features are kept.")
    frames: int | None = Field(default=None, ge=2, description="How many frames of an epoch; all where none.")
    parts: int | None = Field(
        default=None,
        ge=2,
        le=10,
        exclude_if=lambda parts: parts is None,
        description="Of a cascade with a refinement: into how many parts the frames are divided, each kept as a "
        "refinement sees it that did without it (cross-fitting); none: all as the refinement sees them that learned "
        "from them, and knows them by heart.",
    )


class Stage(Part):
    """One stage: its length, optimiser, loss and order of frames."""

    epochs: int = Field(ge=1, description="How often the order of frames is gone through.")
    batch_size: int = Field(ge=1, le=1024, description="Frames (or slices) a step.")
    loss: Loss
    sampler: Sampler = Field(
        description="alternate: defective, good, defective, ... (paper d); frequency_of_use: the same, good frames in "
        "turn (SegDec); hard_negatives: one of four good frames in turn, the others by how defective the network took "
        "them for when the stage began (a cascade's refinement, or its classification from a bank of parts); "
        "class_balanced: every class equally often; shuffled: every frame once."
    )
    repeats: int = Field(default=1, ge=1, description="How often an epoch shows its frames, each time drawn anew.")
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(gt=0, description="At the start.")
    encoder_learning_rate: float | None = Field(
        default=None, gt=0, description="Of a pretrained encoder; none: as the rest."
    )
    schedule: Literal["constant", "cosine"] = Field(
        default="cosine", description="`cosine` falls to 0 at the end of the last epoch."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="Of the optimiser.")
    gradient_clip: float | None = Field(default=None, gt=0, description="Largest norm of the gradient.")
    augmentation: Augmentation = Augmentation()
    ema: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Decay per step of a moving average of the weights, which is kept instead.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many epochs without a better validation score; needs validation frames.",
    )
    validate_every: int = Field(
        default=1, ge=1, description="Epochs between two looks at the validation frames; the last epoch is one as well."
    )
    corruption: Corruption | None = Field(
        default=None, description="Of a reconstruction: what covers the frame that it is shown; none: nothing."
    )
    bank: FeatureBank | None = Field(default=None, description="Of a cascade's classification; none: computed anew.")


class Machine(Part):
    """How the loop uses the machine; changes no result but by rounding."""

    accelerator: Literal["auto", "cpu", "gpu"] = Field(default="auto", description="Where tensors live.")
    devices: int = Field(
        default=1, ge=1, le=64, description="Number of GPUs (or CPU processes); gradients are averaged."
    )
    precision: Precision | Literal["auto"] = Field(
        default="32",
        description="16-mixed: float16 with a gradient scaler, on a GPU. bf16-mixed: bfloat16, on a CPU with AMX or a "
        "GPU from Ampere on; on another CPU it is slower than 32. auto: bf16-mixed where it is quick, else 32.",
    )
    workers: int = Field(default=0, ge=0, le=64, description="Processes that prepare frames; 0: the loop's own.")
    memory_mb: int = Field(
        default=4096, ge=0, description="Prepared frames kept in memory, MiB; the rest is read again when needed."
    )
    checkpoint_steps: int = Field(
        default=200, ge=1, description="Steps between checkpoints; the end of every epoch is one as well."
    )
