"""Whether a data set, and its division, is one from which a task can be learned and judged."""

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.items import Dataset
from flawgate_training.datasets.mask_files import HOW
from flawgate_training.datasets.problems import refuse
from flawgate_training.datasets.splits import Subsets
from flawgate_training.experiment.schema import Task


def check(dataset: Dataset, subsets: Subsets, task: Task) -> None:
    """Make sure that a task can be learned.

    Args:
        dataset: all frames.
        subsets: their division.
        task: of the experiment.

    Raises:
        InvalidDataset: there are no masks but the task learns from them, one class only, no good or no defective frame
            where the task tells the one from the other, or such frames are but none of them to learn from.
    """
    name = dataset.about.name
    if task in {"cascade", "segmentation"} and not dataset.masked:
        raise InvalidDataset(f"A {task} learns from masks, and {name} has none; {HOW}.")
    if task in {"cascade", "anomaly"}:
        _check_both(dataset)
    if task == "classification" and len({item.label for item in dataset.items}) < 2:
        only = dataset.classes[dataset.items[0].label]
        raise InvalidDataset(f"All frames of {name} are of one class, {only}; add frames of another one.")
    _check_learned(dataset, subsets, task)


def _check_both(dataset: Dataset) -> None:
    for wanted, kind in ((True, "defective"), (False, "good")):
        if all(item.defective is not wanted for item in dataset.items):
            raise InvalidDataset(
                f"No frame of {dataset.about.name} is {kind}, so nothing tells good parts from bad ones; "
                f"add frames of {kind} parts."
            )


def _check_learned(dataset: Dataset, subsets: Subsets, task: Task) -> None:
    """What must be learned is there to learn from; every part of it may have gone into the other subsets."""
    if task == "anomaly":
        missing = {"validation": subsets.validation, "training": subsets.train}
        lacking = [name for name, items in missing.items() if items and all(item.defective for item in items)]
        refuse(lacking, "Subsets without a good frame, which an anomaly is measured against", "add good parts")
        return
    learned = {item.label for item in subsets.train}
    lacking = [dataset.classes[label] for label in sorted({item.label for item in dataset.items} - learned)]
    remedy = "add parts of them, choose another data.split.seed, or make parts smaller with data.group_pattern"
    refuse(lacking, "Classes of which no frame is left to learn from", remedy)
