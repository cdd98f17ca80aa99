"""`flawgate evaluate` and `flawgate report`."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from flawgate_training import runs
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.summary import summary, table
from flawgate_training.report import page
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks.progress import show_progress


def evaluate(folder: Path, given: Path | None) -> None:
    """Judge a run on the frames that it held out, and write its report.

    Args:
        folder: of a finished run.
        given: folder of its data set; where the run found it, without.

    Raises:
        InvalidParameter: there is no finished run.
        InvalidDataset: the pictures are not those of the run, or none was held out.
    """
    show_progress()
    run = runs.load(folder)
    judge(run, frames_of.again(run.experiment, folder, given), folder)


def judge(run: runs.Run, data: frames_of.RunData, folder: Path) -> Report:
    """Judge a run, tell the figures, and write its report.

    Args:
        run: a finished one.
        data: its frames.
        folder: its folder.
    """
    found = judging.evaluate_run(run, folder, validation=data.validation, test=data.test)
    tell(found)
    typer.echo(f"Report: {page.write(folder, [_subject(folder, run, data)], data.dataset.about)}")
    return found


def report(folder: Path, given: Path | None) -> None:
    """Write the report of a judged run, or of a cross-validation.

    Args:
        folder: of the run, or the one that holds `fold0`, `fold1`, ...
        given: see `evaluate`.

    Raises:
        InvalidParameter: a run is not finished, or not judged.
    """
    show_progress()
    typer.echo(f"Report: {_written(folder, sorted(folder.glob('fold[0-9]*')) or [folder], given)}")


def tell(found: Report) -> None:
    """Print the figures: a table, and one line below it."""
    Console().print(table(found))
    typer.echo(summary(found))


def _written(folder: Path, parts: Sequence[Path], given: Path | None) -> Path:
    loaded = [(part, runs.load(part)) for part in parts]
    frames = [frames_of.again(run.experiment, part, given) for part, run in loaded]
    subjects = [_subject(part, run, data) for (part, run), data in zip(loaded, frames, strict=True)]
    return page.write(folder, subjects, frames[0].dataset.about)


def _subject(folder: Path, run: runs.Run, data: frames_of.RunData) -> page.Subject:
    return page.Subject(folder, run, data.test)
