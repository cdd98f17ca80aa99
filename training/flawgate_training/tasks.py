"""What the subcommands do, once torch may be imported."""

import logging
from dataclasses import dataclass
from pathlib import Path

import typer

from flawgate_contracts.errors import InvalidParameter
from flawgate_training import judging, presets, runs
from flawgate_training.config import KolektorData, RunConfig
from flawgate_training.datasets.splits import load_kolektor, load_split, parity_frames
from flawgate_training.evaluation import Evaluation, Report
from flawgate_training.export.publication import Request, publish
from flawgate_training.presets import Choice


@dataclass(frozen=True)
class Publication:
    """What `flawgate export` was asked for.

    Attributes:
        run: folder of a finished run.
        recipe: name of the recipe.
        repository: Triton's model repository.
        evaluation: file of a report; that in the run's folder, if any, where None.
        title: one line for people; the data set's own where None.
        note: for the model card.
    """

    run: Path
    recipe: str
    repository: Path
    evaluation: Path | None
    title: str | None
    note: str


def train(config: RunConfig, data: Path | None, out: Path) -> None:
    """Train, or resume, one run."""
    _show_progress()
    runs.train(config, load_split(config, data).train, out)
    typer.echo(f"The run is finished: {out}")


def cross_validate(choice: Choice, data: Path | None, out: Path) -> None:
    """Train and judge every fold."""
    _show_progress()
    configs = [presets.commutator(choice, fold=fold) for fold in range(presets.FOLDS)]
    samples = load_kolektor(configs[0], data)
    _tell(judging.cross_validate(configs, samples, out).pooled)


def evaluate(folder: Path, data: Path | None) -> None:
    """Judge one run."""
    config = runs.load(folder).config
    if isinstance(config.data, KolektorData) and config.data.fold is None:
        raise InvalidParameter(
            f"The run in {folder} learned from every frame, so none is left to judge it; judge the folds instead."
        )
    predictions = judging.judge(folder, load_split(config, data).test)
    report = Report.cross_validated(judging.protocol(config), [predictions])
    judging.save_report(report.model_copy(update={"folds": ()}), folder)
    _tell(report.pooled)


def export(asked: Publication, data: Path | None) -> None:
    """Publish one run."""
    found = asked.evaluation or asked.run / judging.REPORT
    report = judging.read_report(found) if asked.evaluation or found.exists() else None
    run = runs.load(asked.run)
    request = Request(run, asked.recipe, report, asked.title, asked.note)
    card = publish(request, asked.repository, frames=parity_frames(run.config, data))
    typer.echo(
        f"Published {asked.recipe} in {asked.repository}: over {card.parity_frames} frames, "
        f"scores of torch and ONNX Runtime differ by at most {card.parity_score_difference:.1g}."
    )


def _tell(figures: Evaluation) -> None:
    typer.echo(
        f"{figures.frames} frames at {figures.threshold}: {figures.true_positives} defects found, "
        f"{figures.false_negatives} missed, {figures.false_positives} false alarms; "
        f"F1 {figures.f1:.4f}, AP {figures.average_precision:.4f}, AUROC {figures.auroc:.4f}"
    )
    for frame in figures.wrong:
        typer.echo(f"  {frame.name}: {'missed' if frame.defective else 'false alarm'}, score {frame.score:.3f}")


def _show_progress() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("flawgate_training").setLevel(logging.INFO)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
