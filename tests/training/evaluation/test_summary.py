import io
from pathlib import Path

from rich.console import Console
from support.fake_judges import fake_run
from support.tiny_training import experiment, samples

from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.figures import Report
from flawgate_training.evaluation.summary import summary, table
from flawgate_training.experiment.schema import Task


def report(folder: Path, task: Task, labels: tuple[int, ...], threshold: float = 0.5) -> Report:
    """Of a network that sees every defect."""
    none = Samples((), Preparation(experiment().steps), memory_bytes=0)
    run = fake_run(task, kinds=task == "segmentation", threshold=threshold)
    return judging.evaluate_run(run, folder, validation=none, test=samples(labels))


def printed(found: Report) -> str:
    """The table, as a terminal of 120 columns shows it."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(found))
    return console.export_text()


def test_one_line(tmp_path: Path) -> None:
    """Counts, F1, AP and AUROC of good and defective frames."""
    assert summary(report(tmp_path, "cascade", (0, 1, 0))).startswith(
        "3 frames at 0.5: 1 defects found, 0 missed, 0 false alarms; F1 1.0000, AP 1.0000, AUROC 1.0000"
    )


def test_one_line_of_classes(tmp_path: Path) -> None:
    """Accuracy never comes without that of always answering the commonest class."""
    told = summary(report(tmp_path, "classification", (0, 1, 2, 1)))
    assert "class of 4 frames: accuracy 1.0000 (always spot: 0.5000), macro F1 1.0000." in told


def test_table(tmp_path: Path) -> None:
    """Every figure with its interval, and every frame judged wrongly."""
    told = printed(report(tmp_path, "cascade", (0, 1, 0, 1), threshold=1.0))
    assert "recall" in told
    assert "0.0000 – 0.8419" in told
    assert "frame1" in told
    assert "missed, score" in told


def test_brackets_are_no_markup(tmp_path: Path) -> None:
    """A class called [red] is printed as it is."""
    found = report(tmp_path, "classification", (0, 1, 2, 1))
    assert found.images is not None
    renamed = found.images.model_copy(update={"majority_class": "[red]"})
    assert "of always [red]" in printed(found.model_copy(update={"images": renamed}))
