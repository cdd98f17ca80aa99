"""The settings behind `flawgate train`: which input size, how long, how fast."""

from dataclasses import dataclass

from flawgate_training.config import KolektorData, Preset, RunConfig, StageConfig, TextureData

_PAPER = StageConfig(epochs=100, learning_rate=1e-2, schedule="constant", batch_size=1)
"""Paper d, section 4.1: Adam at 0.01, one frame a step. Epochs are left open; 100 are those of SegDec, its base."""

_STABLE = {
    "kolektor_sdd": (
        StageConfig(epochs=10, learning_rate=2e-3, schedule="cosine", batch_size=1),
        StageConfig(epochs=120, learning_rate=1e-3, schedule="cosine", batch_size=10),
    ),
    "texture": (
        StageConfig(epochs=7, learning_rate=2e-3, schedule="cosine", batch_size=16),
        StageConfig(epochs=20, learning_rate=1e-3, schedule="cosine", batch_size=16),
    ),
}
"""The preset `stable`: a falling learning rate, and a second stage whose batches hold good and defective frames."""

FOLDS = 3
"""Of KolektorSDD's cross-validation. Paper d, section 4.1."""


@dataclass(frozen=True)
class Choice:
    """What the command line may set.

    Attributes:
        preset: `stable` is ours, `paper` follows paper d to the letter.
        epochs: of the first stage, instead of the preset's.
        seed: of the weights, the order and the augmentation.
    """

    preset: Preset = "stable"
    epochs: int | None = None
    seed: int = 0


def commutator(choice: Choice, *, fold: int | None) -> RunConfig:
    """Paper d: KolektorSDD at 1408×512 (height × width), labels grown by 9 pixels.

    Args:
        choice: of the command line.
        fold: held out; none to train on everything.
    """
    return _config(choice, KolektorData(fold=fold, folds=FOLDS), height=1408, width=512)


def texture(choice: Choice) -> RunConfig:
    """The same network on generated textures at 512×512; their labels are wide ellipses already.

    Their flaws are small: windows of 128×128 around them show the first stage sixteen times as many in the same time.
    """
    config = _config(choice, TextureData(), height=512, width=512)
    return config.model_copy(update={"crop": 128, "bank_frames": 600})


def _config(choice: Choice, data: KolektorData | TextureData, *, height: int, width: int) -> RunConfig:
    segmentation, classification = (_PAPER, _PAPER) if choice.preset == "paper" else _STABLE[data.kind]
    if choice.epochs is not None:
        segmentation = segmentation.model_copy(update={"epochs": choice.epochs})
    return RunConfig(
        data=data,
        height=height,
        width=width,
        seed=choice.seed,
        preset=choice.preset,
        segmentation=segmentation,
        classification=classification,
        bank_epochs=5 if data.kind == "kolektor_sdd" else 1,
    )
