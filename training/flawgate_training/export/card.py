"""The model card: what a recipe's models are, how they were judged, and what may be done with them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.golden import Golden
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.reference import Distribution
from flawgate_imaging.scores import SCORE_DECIMALS
from flawgate_training.evaluation.figures import Evaluation, Report
from flawgate_training.evaluation.summary import rows, told
from flawgate_training.experiment.schema import Experiment
from flawgate_training.experiment.training import Stage
from flawgate_training.export.backends import CpuBackend
from flawgate_training.export.cost import Cost
from flawgate_training.export.parity import Parity


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetCard(_Part):
    """What the weights learned from."""

    name: str
    source: str
    licence: str
    notice: str = Field(description="What the licence means for the use of the weights.")
    files: int = Field(ge=0, description="Pictures and masks of the data set; 0 where the weights learned from none.")
    sha256: str | None = Field(description="Over names and checksums of all files; see manifest.json of the run.")
    split: dict[str, int] = Field(description="Frames that were learned from, that chose, and that judged.")


class NetworkCard(_Part):
    """One ONNX file, as exported, and what the graph work saved."""

    model: str
    before: Cost = Field(description="Of the plain export.")
    after: Cost = Field(description="Of the file published.")


class Card(_Part):
    """A model card. `card.json` is its JSON, `MODEL_CARD.md` what `markdown` makes of it."""

    recipe: Recipe
    parameters: int = Field(description="Weights of all networks.")
    dataset: DatasetCard
    experiment: Experiment = Field(description="What defined the run.")
    training_seconds: float = Field(description="Wall-clock time of the shipped run's training.")
    training_device: str
    training_versions: dict[str, str]
    evaluation: Report | None = Field(description="None where the recipe was exported unjudged.")
    note: str = Field(default="", description="What else a reader must know to trust the figures.")
    parity: Parity
    networks: tuple[NetworkCard, ...]
    cpu_backend: CpuBackend = Field(description="What serves it where there is no GPU.")
    golden: Golden

    @property
    def created_at(self) -> datetime:
        """When it was exported, UTC."""
        return self.recipe.provenance.created_at


def markdown(card: Card) -> str:
    """The card for people."""
    sections = [_head(card), _dataset(card), _judged(card), _training(card), _parity(card), _files(card)]
    return "\n\n".join(sections) + "\n"


def _head(card: Card) -> str:
    recipe, provenance = card.recipe, card.recipe.provenance
    forced = f"**Published against a refusal of the parity gate: {provenance.forced}**\n\n" if provenance.forced else ""
    tiles = f", in tiles of {recipe.shown.height}×{recipe.shown.width}" if recipe.tiling else ""
    return (
        f"# Model card: {recipe.name}, version {recipe.version}\n\n{recipe.title}\n\n{forced}"
        f"**Licence of the weights: {provenance.licence}.** {card.dataset.notice}\n\n"
        f"Kind: {recipe.kind}; network: `{provenance.architecture}`{_of(provenance.paper)}, "
        f"with {card.parameters:,} weights, {provenance.precision}, for a {provenance.target.upper()}. "
        f"Input: {recipe.input.channels}×{recipe.input.height}×{recipe.input.width} "
        f"(channels × height × width), uint8{tiles}. {_policy(recipe)}{_quality(card)}{_reference(recipe)}"
    )


def _of(paper: str | None) -> str:
    return f" ({paper})" if paper else ""


def _policy(recipe: Recipe) -> str:
    policy = recipe.policy
    if policy.areas:
        limits = "; ".join(
            f"{name} {each.min_px} to {'any' if each.max_px is None else each.max_px} pixels"
            for name, each in policy.areas.items()
        )
        return f"A frame is NOT_OK where the area of a class leaves its limits: {limits}."
    pixels = "" if recipe.kind == "classification" else f"; a pixel is marked from {policy.mask_threshold:g} upwards"
    return f"A frame is NOT_OK from a score of {policy.threshold:g} upwards{pixels}."


def _quality(card: Card) -> str:
    limits = card.recipe.quality
    if limits is None:
        return ""
    told = (
        _bounds("mean", limits.min_mean, limits.max_mean),
        _bounds("share of dark pixels", None, limits.max_dark_share),
        _bounds("share of bright pixels", None, limits.max_bright_share),
        _bounds("focus", limits.min_focus, None),
        "not the bytes of the frame before" if limits.refuse_repeats else "",
    )
    origin = "around the training frames" if card.experiment.quality is None else "as the experiment states them"
    return f"\n\nA picture is judged within these limits, {origin}: {'; '.join(filter(None, told))}; never a black one."


def _bounds(name: str, least: float | None, most: float | None) -> str:
    bounds = [f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", most)) if bound is not None]
    return f"{name} {', '.join(bounds)}" if bounds else ""


def _reference(recipe: Recipe) -> str:
    reference = recipe.reference
    if reference is None:
        return ""
    rows = "\n".join(f"| {feature} | {_bins(found)} |" for feature, found in reference.features.items())
    return (
        f"\n\n{reference.frames} good frames are the reference that later ones are held against (drift):\n\n"
        f"| | edges of the bins, the outermost open | % of the frames in each |\n|---|---|---|\n{rows}"
    )


def _bins(found: Distribution) -> str:
    edges, shares = (f"{edge:.4g}" for edge in found.edges), (f"{100 * share:.3g}" for share in found.shares)
    return f"{', '.join(edges)} | {', '.join(shares)}"


def _dataset(card: Card) -> str:
    data = card.dataset
    if data.sha256 is None:
        return f"## Data\n\n{data.name}. {data.source}"
    split = ", ".join(f"{count} for {name}" for name, count in data.split.items())
    return (
        f"## Data\n\n{data.name}. {data.source}\n\nFrames: {split}. {data.files} files, SHA-256 over all of them "
        f"`{data.sha256}`."
    )


def _judged(card: Card) -> str:
    report = card.evaluation
    if report is None:
        return "## Evaluation\n\nNone: this recipe was exported without being judged."
    note = f"\n\n{card.note}" if card.note else ""
    return f"## Evaluation\n\n{report.protocol}\n\n{_folds(report)}{_figures(report)}{note}"


def _folds(report: Report) -> str:
    """A line for each fold of a cross-validation."""
    if not report.folds:
        return ""
    head = "| frames of | frames | defects found | missed | false alarms | precision | recall | F1 | AP | AUROC |"
    lines = "\n".join(_fold(number, fold) for number, fold in enumerate(report.folds))
    return f"{head}\n|{'---|' * 10}\n{lines}\n\nAll of them together:\n\n"


def _fold(number: int, figures: Evaluation) -> str:
    counts = [figures.frames, figures.true_positives, figures.false_negatives, figures.false_positives]
    ratios = [figures.precision, figures.recall, figures.f1, figures.average_precision, figures.auroc]
    return f"| fold {number} | {' | '.join([*map(str, counts), *(f'{ratio:.4f}' for ratio in ratios)])} |"


def _figures(report: Report) -> str:
    lines = [f"| {name.strip()} | {value} | {told(interval)} |" for name, value, interval in rows(report)]
    return "\n".join(["| figure | value | 95 % interval |", "|---|---|---|", *lines])


def _training(card: Card) -> str:
    experiment = card.experiment
    stages = "; ".join(_stage(name, stage) for name, stage in experiment.stages.items())
    versions = ", ".join(f"{name} {version}" for name, version in sorted(card.training_versions.items()))
    dilation = getattr(experiment.data, "dilation", 1)
    grown = f" Labels dilated by {dilation}," if dilation > 1 else " Labels as drawn,"
    return (
        f"## Training of the shipped weights\n\n{stages}.{grown} seed {experiment.seed}, experiment "
        f"`{experiment.name}`, {card.training_seconds / 60:.0f} minutes on {card.training_device}. {versions}."
    )


def _stage(name: str, stage: Stage) -> str:
    return (
        f"{name}: {stage.epochs} epochs, {stage.optimiser} {stage.learning_rate:g} ({stage.schedule}), "
        f"batch {stage.batch_size}"
    )


def _parity(card: Card) -> str:
    found = card.parity
    overlap = f"; masks overlap by at least {found.least_mask_iou:.4f} (IoU)" if found.least_mask_iou else ""
    logits = found.largest_logit_difference
    before = "" if logits is None else f", logits by at most {logits:.1g}"
    faults = "".join(f"\n- {fault}" for fault in found.faults)
    return (
        f"## Parity\n\nOn {len(found.frames)} frames, ONNX Runtime's scores differ from torch's by "
        f"{shift(found)}{before}{overlap}; {len(found.flipped)} evaluations flipped. "
        f"{len(card.golden.frames)} golden frames must keep their evaluation, and their score within "
        f"{card.golden.tolerance:g}.{faults}"
    )


def shift(found: Parity) -> str:
    """The largest difference of a score, as text."""
    least = 10.0**-SCORE_DECIMALS
    return f"at most {found.largest_score_shift:.1g}" if found.largest_score_shift else f"less than {least:g}"


def _files(card: Card) -> str:
    shas = {model.name: model.sha256 for model in card.recipe.models}
    lines = "\n".join(_network(each, shas[each.model]) for each in card.networks)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(card.recipe.provenance.versions.items()))
    commit = f", commit `{card.recipe.provenance.commit}`" if card.recipe.provenance.commit else ""
    return (
        "## Export\n\n| model | operations (plain export) | nodes | bytes | SHA-256 |\n|---|---|---|---|---|\n"
        f"{lines}\n\nExported {card.created_at:%Y-%m-%d} with {versions}{commit}. Without a GPU it is served by "
        f"{card.cpu_backend}."
    )


def _network(card: NetworkCard, sha256: str) -> str:
    before, after = card.before, card.after
    return (
        f"| `{card.model}` | {after.operations / 1e9:.3f} G ({before.operations / 1e9:.3f} G) | "
        f"{after.nodes} ({before.nodes}) | {after.bytes:,} ({before.bytes:,}) | `{sha256}` |"
    )
