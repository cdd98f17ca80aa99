"""The subcommands that training adds to `flawgate`.

torch and lightning are imported when a command runs, so that `flawgate --help` stays quick.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from flawgate_contracts.recipe import Precision, Target

ExperimentName = Annotated[
    str | None,
    typer.Argument(help="Name as in `flawgate experiments`, or a YAML file of your own.", show_default=False),
]
Like = Annotated[
    str | None,
    typer.Option(help="Learn own pictures as this experiment learns its own; needs --data and --recipe."),
]
RecipeName = Annotated[str | None, typer.Option("--recipe", help="Name of the part that the own pictures show.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder of the data set; generated pictures need none.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: key=value, e.g. stages.segmentation.epochs=25. Repeatable."),
]
Run = Annotated[Path, typer.Argument(help="Folder of a finished run.")]
Repository = Annotated[Path, typer.Option(help="Folder of the models and recipes.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def register(app: typer.Typer) -> None:
    """Add the subcommands to `app`."""
    app.command("experiments")(experiments)
    app.command("architectures")(architectures)
    app.command("dataset")(dataset)
    app.command("train")(train)
    app.command("cross-validate")(cross_validate)
    app.command("evaluate")(evaluate)
    app.command("report")(report)
    app.command("reproduce")(reproduce)
    app.command("export")(export)


def experiments(
    name: Annotated[str | None, typer.Argument(help="Show this one whole, as YAML.", show_default=False)] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the experiments of the five papers, or show one."""
    from flawgate_training.experiment import listing

    listing.show(name, as_json=as_json)


def architectures(*, as_json: Json = False) -> None:
    """List the networks: paper, input, parameters, operations, what they say."""
    from flawgate_training.architectures.listing import show

    show(json=as_json)


def dataset(
    experiment: ExperimentName = None,
    *,
    data: Data = None,
    like: Like = None,
    recipe: RecipeName = None,
    settings: Settings = None,
) -> None:
    """Check pictures and masks without training: counts, classes, division, leaks."""
    from flawgate_training.tasks import data as tasks
    from flawgate_training.tasks.chosen import Choice, choose

    tasks.check(choose(Choice(experiment, like, recipe, settings or [], data)))


def train(
    experiment: ExperimentName = None,
    *,
    data: Data = None,
    like: Like = None,
    recipe: RecipeName = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; an interrupted run in it goes on.  [default: runs/NAME]")
    ] = None,
    fold: Annotated[int | None, typer.Option(help="Fold to hold out, where the data is divided into folds.")] = None,
    gpus: Annotated[int | None, typer.Option(help="Number of GPUs; without it, one if there is one.", min=1)] = None,
    half: Annotated[bool, typer.Option("--fp16", help="Mixed precision: float16 with a gradient scaler.")] = False,
    mlflow: Annotated[str | None, typer.Option(help="MLflow tracking URI to log to as well.")] = None,
) -> None:
    """Train a network, judge it on held-out frames, and write a report."""
    from flawgate_training.tasks import training as tasks
    from flawgate_training.tasks.chosen import Choice, choose

    choice = Choice(experiment, like, recipe, settings or [], data, fold=fold, gpus=gpus, half=half)
    tasks.train(choose(choice), out, mlflow=mlflow)


def cross_validate(
    experiment: ExperimentName = None,
    *,
    data: Data = None,
    like: Like = None,
    recipe: RecipeName = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the runs; what is finished in it is kept.  [default: runs/NAME]")
    ] = None,
) -> None:
    """Train and judge every fold, and all of their frames together."""
    from flawgate_training.tasks import training as tasks
    from flawgate_training.tasks.chosen import Choice, choose

    tasks.cross_validate(choose(Choice(experiment, like, recipe, settings or [], data)), out)


def evaluate(run: Run, data: Data = None) -> None:
    """Judge a run on the frames that it held out."""
    from flawgate_training.tasks import judging as tasks

    tasks.evaluate(run, data)


def report(run: Run, data: Data = None) -> None:
    """Write report.html of a judged run: curves, figures, the worst frames as pictures."""
    from flawgate_training.tasks import judging as tasks

    tasks.report(run, data)


def reproduce(
    study: Annotated[
        str | None, typer.Argument(help="Name as in `flawgate reproduce --list`.", show_default=False)
    ] = None,
    *,
    data: Data = None,
    variant: Annotated[list[str] | None, typer.Option(help="Run this variant alone. Repeatable.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Run this seed alone. Repeatable.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the runs; what is finished in it is kept.  [default: runs/STUDY]")
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the results; their page lies beside it.")] = Path(
        "docs/results"
    ),
    gather: Annotated[
        bool,
        typer.Option("--gather", help="Train nothing: gather what is finished (of every study, without STUDY)."),
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the studies.")] = False,
) -> None:
    """Carry out a study of docs/results.md: train and judge what is not finished, and write the page anew."""
    from flawgate_training.studies import listing, loading

    if listed or (study is None and not gather):
        listing.show()
        return
    from flawgate_training.tasks import reproducing as tasks

    names = loading.names() if study is None else [study]
    asked = [tasks.Reproduction(each, data, variant or (), seed or (), out, results, gather=gather) for each in names]
    failed = [each.study for each in asked if not tasks.reproduce(each)]
    if failed:
        raise typer.Exit(1)


def export(
    run: Run,
    *,
    recipe: Annotated[str, typer.Option(help="Name of the recipe, and of its ensemble.", show_default=False)],
    model_repository: Annotated[Path, typer.Option(help="Folder of the models and recipes.")] = Path(
        "model_repository"
    ),
    precision: Annotated[Precision, typer.Option(help="What the networks compute with.")] = "fp32",
    target: Annotated[Target, typer.Option(help="What the graphs' operators are chosen for.")] = "cpu",
    evaluation: Annotated[
        Path | None,
        typer.Option(help="evaluation.json for the model card. Without it, that in the run's folder, if any."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="One line for people.", show_default=False)] = None,
    note: Annotated[str, typer.Option(help="For the model card: what else a reader must know.")] = "",
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Publish even what the parity gate refuses; the recipe says so for ever."),
    ] = None,
    frames: Annotated[int, typer.Option(help="Held-out frames to compare on.", min=1, max=1000)] = 48,
    limited: Annotated[
        bool,
        typer.Option(
            "--quality-limits/--no-quality-limits",
            help="Whether pictures far darker, brighter or less sharp than the training frames are NOT_DECIDABLE.",
        ),
    ] = True,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="YAML or JSON of a policy, e.g. limits to areas of classes. Without it, the experiment's threshold.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Publish a run as a new version of a recipe, after checking that ONNX Runtime answers as torch does."""
    from flawgate_training.tasks import publishing as tasks

    asked = tasks.Publication(
        run, recipe, model_repository, precision, target, evaluation, title, note, force, frames, limited, policy
    )
    tasks.export(asked, data)
