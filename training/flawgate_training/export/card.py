"""The model card: what a recipe's models are, how they were judged, and what may be done with them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.recipe import Recipe
from flawgate_training.evaluation.figures import Evaluation, Report
from flawgate_training.experiment.schema import Experiment
from flawgate_training.experiment.training import Stage


class DatasetCard(BaseModel):
    """Where the weights learned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    licence: str
    notice: str = Field(description="What the licence means for the use of the weights.")


class Card(BaseModel):
    """A model card. `card.json` is its JSON, `MODEL_CARD.md` what `markdown` makes of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    parameters: int = Field(description="Weights of both networks.")
    dataset: DatasetCard
    experiment: Experiment = Field(description="What defined the run.")
    training_seconds: float = Field(description="Wall-clock time of the shipped run's training.")
    training_versions: dict[str, str]
    evaluation: Report | None = Field(description="None where the recipe was exported unjudged.")
    note: str = Field(default="", description="What else a reader must know to trust the figures.")
    parity_frames: int = Field(description="Frames on which torch and ONNX Runtime were compared.")
    parity_score_difference: float = Field(description="Largest difference of a score, 0–1.")
    parity_mask_difference: float = Field(description="Largest difference of a mask's pixel, 0–1.")

    @property
    def created_at(self) -> datetime:
        """When it was exported, UTC."""
        return self.recipe.provenance.created_at


def markdown(card: Card) -> str:
    """The card for people."""
    sections = [_head(card), _dataset(card), _judged(card), _training(card), _files(card)]
    return "\n\n".join(sections) + "\n"


def _head(card: Card) -> str:
    recipe = card.recipe
    return (
        f"# Model card: {recipe.name}\n\n{recipe.title}\n\n"
        f"**Licence of the weights: {recipe.provenance.licence}.** {card.dataset.notice}\n\n"
        f"Architecture: `{recipe.provenance.architecture}` (paper {recipe.provenance.paper}), "
        f"{card.parameters:,} weights. "
        f"Input: {recipe.input.channels}×{recipe.input.height}×{recipe.input.width} "
        "(channels × height × width), uint8. "
        f"A frame is NOT_OK from a score of {recipe.policy.threshold} upwards; "
        f"a pixel is defective from {recipe.policy.mask_threshold} upwards."
    )


def _dataset(card: Card) -> str:
    return f"## Data\n\n{card.dataset.name}. {card.dataset.source}"


def _judged(card: Card) -> str:
    report = card.evaluation
    if report is None or report.pooled is None:
        return "## Evaluation\n\nNone: this recipe was exported without being judged."
    named = [(f"fold {number}", fold) for number, fold in enumerate(report.folds)] + [("all", report.pooled)]
    head = "| frames of | frames | defects found | missed | false alarms | precision | recall | F1 | AP | AUROC |"
    rows = "\n".join(_row(name, evaluation) for name, evaluation in named)
    note = f"\n\n{card.note}" if card.note else ""
    return f"## Evaluation\n\n{report.protocol}\n\n{head}\n|{'---|' * 10}\n{rows}\n\n{_wrong(report.pooled)}{note}"


def _row(name: str, figures: Evaluation) -> str:
    counts = [figures.frames, figures.true_positives, figures.false_negatives, figures.false_positives]
    ratios = [figures.precision, figures.recall, figures.f1, figures.average_precision, figures.auroc]
    return f"| {' | '.join([name, *map(str, counts), *(f'{ratio:.4f}' for ratio in ratios)])} |"


def _wrong(figures: Evaluation) -> str:
    if not figures.wrong:
        return f"No frame was judged wrongly at {figures.threshold}."
    lines = [
        f"- `{frame.name}`: {'missed defect' if frame.defective else 'false alarm'}, score {frame.score:.3f}"
        for frame in figures.wrong
    ]
    return f"Judged wrongly at {figures.threshold}:\n\n" + "\n".join(lines)


def _training(card: Card) -> str:
    experiment = card.experiment
    told = "; ".join(_stage(name, stage) for name, stage in experiment.stages.items())
    versions = ", ".join(f"{name} {version}" for name, version in sorted(card.training_versions.items()))
    dilation = getattr(experiment.data, "dilation", 1)
    grown = f" Labels dilated by {dilation}," if dilation > 1 else " Labels as drawn,"
    return (
        f"## Training of the shipped weights\n\n{told}.{grown} seed {experiment.seed}, "
        f"experiment `{experiment.name}`, {card.training_seconds / 60:.0f} minutes. {versions}."
    )


def _stage(name: str, stage: Stage) -> str:
    return (
        f"{name}: {stage.epochs} epochs, {stage.optimiser} {stage.learning_rate:g} ({stage.schedule}), "
        f"batch {stage.batch_size}"
    )


def _files(card: Card) -> str:
    models = "\n".join(
        f"- `{model.name}` version {model.version}: SHA-256 `{model.sha256}`" for model in card.recipe.models
    )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(card.recipe.provenance.versions.items()))
    return (
        f"## Export\n\n{models}\n\nExported {card.created_at:%Y-%m-%d} with {versions}. "
        f"On {card.parity_frames} frames ONNX Runtime's scores differ from torch's by at most "
        f"{card.parity_score_difference:.1g}, its masks by {card.parity_mask_difference:.1g}."
    )
