"""The subcommands that training adds to `flawgate`: train, cross-validate, evaluate, export.

torch and lightning are imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class PresetName(StrEnum):
    """Named settings of training."""

    STABLE = "stable"
    PAPER = "paper"


Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of KolektorSDD, the one that holds kos01 to kos50.", show_default=False),
]
Out = Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it is resumed.", show_default=False)]
Fold = Annotated[
    int | None, typer.Option(help="Fold to hold out. Without it, training uses every frame.", min=0, show_default=False)
]
PresetOption = Annotated[PresetName, typer.Option(help="stable: ours. paper: Adam 0.01, one frame a step.")]
Epochs = Annotated[
    int | None, typer.Option(help="Of the segmentation, instead of the preset's.", min=1, show_default=False)
]
Seed = Annotated[int, typer.Option(help="Of weights, order and augmentation.", min=0)]


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    training = typer.Typer(help="Train a network.", no_args_is_help=True)
    training.command("commutator")(train_commutator)
    training.command("texture")(train_texture)
    app.add_typer(training, name="train")
    app.command("cross-validate")(cross_validate)
    app.command("evaluate")(evaluate)
    app.command("export")(export)


def train_commutator(
    data: Data = None,
    out: Out = Path("runs/commutator/all"),
    fold: Fold = None,
    preset: PresetOption = PresetName.STABLE,
    epochs: Epochs = None,
    seed: Seed = 0,
) -> None:
    """Train paper d's two-stage network on KolektorSDD."""
    from flawgate_training.presets import Choice, commutator
    from flawgate_training.tasks import train

    train(commutator(Choice(preset.value, epochs, seed), fold=fold), data, out)


def train_texture(
    out: Out = Path("runs/texture"),
    preset: PresetOption = PresetName.STABLE,
    epochs: Epochs = None,
    seed: Seed = 0,
) -> None:
    """Train paper d's two-stage network on generated textures."""
    from flawgate_training.presets import Choice, texture
    from flawgate_training.tasks import train

    train(texture(Choice(preset.value, epochs, seed)), None, out)


def cross_validate(
    data: Data = None,
    out: Out = Path("runs/commutator"),
    preset: PresetOption = PresetName.STABLE,
    epochs: Epochs = None,
    seed: Seed = 0,
) -> None:
    """Train and judge the commutator network on each of three folds."""
    from flawgate_training.presets import Choice
    from flawgate_training.tasks import cross_validate as carry_out

    carry_out(Choice(preset.value, epochs, seed), data, out)


def evaluate(run: Annotated[Path, typer.Argument(help="Folder of a finished run.")], data: Data = None) -> None:
    """Judge a run on the frames that it held out."""
    from flawgate_training.tasks import evaluate as carry_out

    carry_out(run, data)


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    recipe: Annotated[str, typer.Option(help="Name of the recipe, and of its ensemble.", show_default=False)],
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    evaluation: Annotated[
        Path | None,
        typer.Option(help="evaluation.json for the model card. Without it, that in the run's folder, if any."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="One line for people.", show_default=False)] = None,
    note: Annotated[str, typer.Option(help="For the model card: what else a reader must know.")] = "",
    data: Data = None,
) -> None:
    """Publish a run as a recipe, after checking that ONNX Runtime answers as torch does."""
    from flawgate_training.tasks import Publication
    from flawgate_training.tasks import export as carry_out

    carry_out(Publication(run, recipe, repository, evaluation, title, note), data)
