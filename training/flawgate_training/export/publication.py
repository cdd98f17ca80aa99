"""From a run to a published recipe: models, configuration and card."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flawgate_contracts.errors import InvalidExperiment, InvalidParameter
from flawgate_contracts.recipe import ModelReference, Name, Policy, Provenance, Recipe
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.datasets.about import About
from flawgate_training.datasets.items import Pixels
from flawgate_training.evaluation.figures import Report
from flawgate_training.export import parity, staging
from flawgate_training.export.card import Card, DatasetCard, markdown
from flawgate_training.export.commit import current_commit
from flawgate_training.export.graphs import write_graphs
from flawgate_training.export.triton import classification_config, ensemble_config, segmentation_config
from flawgate_training.runs import Run

PAPER = "d, sections 2 and 3"

_VERSION = "1"


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
    """

    run: Run
    about: About
    name: str
    report: Report | None = None
    title: str | None = None
    note: str = ""


def publish(request: Request, repository: Path, *, frames: Sequence[Pixels]) -> Card:
    """Write the recipe's models, compare them with the network, and put them into the repository.

    Args:
        request: what to publish.
        repository: Triton's model repository; `NAME_seg`, `NAME_cls` and `NAME` in it are replaced.
        frames: to compare on; grey, (H, W), uint8, 0–255, of the network's input size.

    Returns:
        The model card, as written beside the ensemble's configuration.

    Raises:
        InvalidParameter: the name cannot be a recipe's.
        InvalidExperiment: the run is no cascade.
        ParityRefused: ONNX Runtime answers otherwise than torch; the repository is as it was.
    """
    _check_name(request.name)
    experiment, network = request.run.experiment, request.run.network
    if not isinstance(network, TwoStageNetwork):
        raise InvalidExperiment(f"Only the cascade commutator_two_stage is exported; this is a {experiment.task}.")
    with staging.staging(repository) as folder:
        files = [folder / f"{request.name}{part}" / _VERSION / "model.onnx" for part in ("_seg", "_cls")]
        for file in files:
            file.parent.mkdir(parents=True)
        size = {"height": experiment.input.height, "width": experiment.input.width}
        write_graphs(network, **size, segmentation=files[0], classification=files[1])
        recipe = _recipe(request, files)
        exported = parity.OnnxCascade(*files)
        found = parity.check(network, exported, frames, threshold=recipe.policy.threshold)
        card = _card(request, recipe, found)
        _write_texts(card, folder)
        for name in [*(model.name for model in recipe.models), recipe.name]:
            staging.replace(folder / name, repository / name)
    return card


def _check_name(name: str) -> None:
    """Before minutes of work, whether the name and those of its models can be names."""
    try:
        TypeAdapter(Name).validate_python(f"{name}_seg")
    except ValidationError as err:
        raise InvalidParameter(
            f"{name!r} cannot be a recipe's name; begin with a small letter and use small letters, digits and "
            "underscores, 59 characters at most.",
            {"field": "recipe"},
        ) from err


def _write_texts(card: Card, folder: Path) -> None:
    recipe = card.recipe
    segmentation, classification = recipe.models
    ensemble = folder / recipe.name
    staging.write(folder / segmentation.name / "config.pbtxt", segmentation_config(recipe))
    staging.write(folder / classification.name / "config.pbtxt", classification_config(recipe))
    staging.write(ensemble / "config.pbtxt", ensemble_config(recipe))
    staging.write(ensemble / "card.json", card.model_dump_json(indent=2) + "\n")
    staging.write(ensemble / "MODEL_CARD.md", markdown(card))
    # Triton wants a version folder even for an ensemble, and git keeps no empty folder.
    staging.write(ensemble / recipe.version / ".gitkeep", "")


def _recipe(request: Request, files: Sequence[Path]) -> Recipe:
    experiment = request.run.experiment
    return Recipe(
        name=request.name,
        version=_VERSION,
        title=request.title or request.about.title,
        kind="cascade",
        input=experiment.input,
        steps=experiment.steps,
        classes=("defect",),
        policy=Policy(threshold=_threshold(request)),
        models=tuple(
            ModelReference(name=file.parts[-3], version=_VERSION, sha256=staging.sha256(file)) for file in files
        ),
        provenance=_provenance(request),
    )


def _threshold(request: Request) -> float:
    """The experiment's own; one that was chosen on validation frames stands in the report."""
    threshold = request.run.experiment.judging.threshold
    if threshold != "validation":
        return threshold
    if request.report is None or request.report.pooled is None:
        raise InvalidParameter("The threshold is chosen on validation frames; run `flawgate evaluate` first.")
    return request.report.pooled.threshold


def _provenance(request: Request) -> Provenance:
    about, report = request.about, request.report
    return Provenance(
        architecture=request.run.experiment.network.architecture,
        paper=PAPER,
        dataset=about.name,
        licence=about.licence,
        metrics=report.figures() if report else {},
        versions={name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime")},
        commit=current_commit(),
        created_at=datetime.now(UTC).replace(microsecond=0),
    )


def _card(request: Request, recipe: Recipe, found: parity.Parity) -> Card:
    run, about = request.run, request.about
    return Card(
        recipe=recipe,
        parameters=sum(weights.numel() for weights in run.network.parameters()),
        dataset=DatasetCard(name=about.name, source=about.source, licence=about.licence, notice=about.notice),
        experiment=run.experiment,
        training_seconds=run.seconds,
        training_versions=run.versions,
        evaluation=request.report,
        note=request.note,
        **{f"parity_{name}": value for name, value in asdict(found).items()},
    )
