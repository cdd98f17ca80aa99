"""What defines a run. Saved beside its weights: the folder alone is enough to resume, judge and export the run."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["stable", "paper"]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KolektorData(_Config):
    """KolektorSDD, split by commutator."""

    kind: Literal["kolektor_sdd"] = "kolektor_sdd"
    dilation: int = Field(default=9, ge=1, description="Side of the square by which labels grow; pixels of the frame.")
    fold: int | None = Field(default=None, ge=0, description="Which fold is held out; none for a run on everything.")
    folds: int = Field(default=3, ge=2, description="Number of folds.")
    split_seed: int = Field(default=0, ge=0, description="Seed of the split into folds.")


class TextureData(_Config):
    """Generated textures; training and held-out samples have seeds of their own."""

    kind: Literal["texture"] = "texture"
    dilation: int = Field(default=1, ge=1, description="Side of the square by which labels grow; pixels of the frame.")
    train_samples: int = Field(default=2400, ge=2, description="To learn from, half of them defective.")
    test_samples: int = Field(default=600, ge=2, description="To judge upon, half of them defective.")


class StageConfig(_Config):
    """One stage of training, with Adam."""

    epochs: int = Field(ge=1, description="Passes over the defective frames, each with as many good ones.")
    learning_rate: float = Field(gt=0, description="At the start.")
    schedule: Literal["constant", "cosine"] = Field(description="`cosine` falls to 0 at the end of the last epoch.")
    batch_size: int = Field(ge=1, description="Frames a step.")


class RunConfig(_Config):
    """One run: a network trained in two stages on one split of one data set."""

    architecture: Literal["commutator_two_stage"] = "commutator_two_stage"
    data: Annotated[KolektorData | TextureData, Field(discriminator="kind")]
    height: int = Field(ge=16, multiple_of=16, description="Rows of the network's input, in pixels.")
    width: int = Field(ge=16, multiple_of=16, description="Columns of the network's input, in pixels.")
    interpolation: Literal["linear", "area"] = Field(
        default="linear", description="Of the resize; `area` suits shrinking by 2 and more."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the weights, the order and the augmentation.")
    preset: Preset = "stable"
    segmentation: StageConfig
    classification: StageConfig
    crop: int | None = Field(
        default=None,
        ge=16,
        multiple_of=16,
        description="Side of the square windows that the first stage learns from, in pixels; whole frames where none.",
    )
    bank_frames: int | None = Field(
        default=None, ge=2, description="How many frames of an epoch the second stage takes; all where none."
    )
    bank_epochs: int = Field(
        default=5, ge=1, description="Epochs of frames whose features the second stage computes once and then repeats."
    )
