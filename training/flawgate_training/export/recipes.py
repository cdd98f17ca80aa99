"""From a run to its recipe: what crosses into the model repository beside the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.kinds import CALLS, EXPLANATION, MASK, PROBABILITIES
from flawgate_contracts.recipe import ModelReference, Policy, Precision, Provenance, QualityLimits, Recipe, Target
from flawgate_contracts.reference import Reference
from flawgate_training.datasets.about import About
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.goodness import has_good_class
from flawgate_training.experiment.schema import PAPERS
from flawgate_training.export.commit import current_commit
from flawgate_training.export.tensors import TensorSpec
from flawgate_training.runs import Run

MAX_BATCH_SIZE = 4
"""Frames that one request may hold."""

MAX_TILES = 8
"""Tiles that one request may hold."""

_MASKED_FROM, _MASKED_TO = 0.001, 0.999
"""Within which a residual's threshold must lie to mark pixels."""

_TOOLS = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Request:
    """What to publish, and as what.

    Attributes:
        run: a finished run.
        about: where what it learned from comes from.
        name: of the recipe.
        report: how it was judged; None where it was not.
        title: one line for people; the data set's own where None.
        note: for the model card: what else a reader must know to trust the figures.
        precision: what the networks are to compute with.
        target: what the graphs are to be rewritten for.
        forced: why to publish even against a refusal of the parity gate; None: do not.
        quality: how good a picture must be to be judged in service; None: any picture is.
        policy: what makes an evaluation of the answers; None: the experiment's threshold.
    """

    run: Run
    about: About
    name: str
    report: Report | None = None
    title: str | None = None
    note: str = ""
    precision: Precision = "fp32"
    target: Target = "cpu"
    forced: str | None = None
    quality: QualityLimits | None = None
    policy: Policy | None = None


def recipe_of(request: Request, number: int, outputs: Sequence[TensorSpec], digests: Mapping[str, str]) -> Recipe:
    """The recipe of a run, before its models were compared.

    Args:
        request: what is published.
        number: version of the recipe and of all its models.
        outputs: of all its models.
        digests: SHA-256 of each model's ONNX file, by part.

    Raises:
        InvalidParameter: the threshold is to be chosen on validation frames, but the run is not judged; or the policy
            limits areas that the recipe does not measure.
    """
    experiment = request.run.experiment
    recipe = Recipe(
        name=request.name,
        version=str(number),
        title=request.title or request.about.title,
        kind=experiment.task,
        input=experiment.prepared,
        steps=experiment.steps,
        tiling=experiment.tiling,
        max_batch_size=MAX_BATCH_SIZE if experiment.tiling is None else MAX_TILES,
        classes=_class_names(request.run, outputs),
        good_class=has_good_class(experiment, request.run.classes),
        explained=any(tensor.name == EXPLANATION for tensor in outputs),
        top_share=experiment.judging.top_share,
        policy=_policy(request),
        quality=request.quality,
        models=tuple(
            ModelReference(name=f"{request.name}_{call.part}", version=str(number), sha256=digests[call.part])
            for call in CALLS[experiment.task]
        ),
        provenance=_provenance(request),
    )
    return recipe if request.policy is None else recipe.under(request.policy)


def sealed(recipe: Recipe, parity_sha256: str, forced: str | None, reference: Reference | None) -> Recipe:
    """The recipe after its models were compared and measured.

    Args:
        recipe: as `recipe_of` gives it.
        parity_sha256: of parity.json.
        forced: why it is published although the comparison refused it; None: it did not.
        reference: what good parts look like to it.
    """
    told = recipe.provenance.model_copy(update={"parity_sha256": parity_sha256, "forced": forced})
    return recipe.model_copy(update={"provenance": told, "reference": reference})


def _class_names(run: Run, outputs: Sequence[TensorSpec]) -> tuple[str, ...]:
    """Names of the channels that tell classes; a single channel is that of defects."""
    if run.experiment.task == "anomaly":
        return ("anomaly",)
    channels = next(tensor.dims[0] for tensor in outputs if tensor.name in (MASK, PROBABILITIES))
    if channels > 1:
        return run.classes
    return (run.classes[1],) if len(run.classes) == 2 else ("defect",)


def _policy(request: Request) -> Policy:
    """The threshold is the experiment's own; one that was chosen on validation frames stands in the report.

    A residual is no probability: what marks a frame as an anomaly marks its pixels too.

    Raises:
        InvalidParameter: it is to be chosen on validation frames, but the run is not judged.
    """
    threshold = _threshold(request)
    if request.run.experiment.task != "anomaly":
        return Policy(threshold=threshold)
    return Policy(threshold=threshold, mask_threshold=min(max(threshold, _MASKED_FROM), _MASKED_TO))


def _threshold(request: Request) -> float:
    threshold = request.run.experiment.judging.threshold
    if threshold != "validation":
        return threshold
    if request.report is None or request.report.pooled is None:
        raise InvalidParameter("The threshold is chosen on validation frames; run `flawgate evaluate` first.")
    return request.report.pooled.threshold


def _provenance(request: Request) -> Provenance:
    about, report, experiment = request.about, request.report, request.run.experiment
    return Provenance(
        architecture=experiment.network.architecture,
        paper=f"paper {experiment.paper}, {PAPERS[experiment.paper]}" if experiment.paper else None,
        dataset=about.name,
        licence=about.licence,
        metrics=report.figures() if report else {},
        versions={name: version(name) for name in _TOOLS},
        commit=current_commit(),
        created_at=datetime.now(UTC).replace(microsecond=0),
        precision=request.precision,
        target=request.target,
    )
