"""`flawgate export`."""

from dataclasses import dataclass
from pathlib import Path

import typer

from flawgate_training import runs
from flawgate_training.datasets.items import Pixels
from flawgate_training.datasets.samples import Samples
from flawgate_training.evaluation import judging
from flawgate_training.export.publication import Request, publish
from flawgate_training.tasks import data as frames_of

_FRAMES = 16


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


def export(asked: Publication, folder: Path | None) -> None:
    """Publish one run.

    Raises:
        InvalidParameter: there is no such run or evaluation, or the name cannot be a recipe's.
        ParityRefused: see `publish`.
    """
    run = runs.load(asked.run)
    found = asked.evaluation or asked.run / judging.REPORT
    report = judging.read_report(found) if asked.evaluation or found.exists() else None
    data = frames_of.again(run.experiment, asked.run, folder)
    request = Request(run, data.dataset.about, asked.recipe, report, asked.title, asked.note)
    card = publish(request, asked.repository, frames=_parity_frames(data))
    typer.echo(
        f"Published {asked.recipe} in {asked.repository}: over {card.parity_frames} frames, "
        f"scores of torch and ONNX Runtime differ by at most {card.parity_score_difference:.1g}."
    )


def _parity_frames(data: frames_of.RunData) -> list[Pixels]:
    """Up to sixteen frames, half of them defective: held-out ones where there are any."""
    samples: Samples = data.test if len(data.test) else data.train
    halves = ([place for place, item in enumerate(samples.items) if item.defective is bad] for bad in (True, False))
    return [samples[place].pixels for half in halves for place in half[: _FRAMES // 2]]
