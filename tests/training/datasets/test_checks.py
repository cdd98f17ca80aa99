import re

import pytest

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.about import About
from flawgate_training.datasets.checks import check
from flawgate_training.datasets.items import Dataset, Item
from flawgate_training.datasets.splits import Subsets
from flawgate_training.datasets.texture import TextureSource
from flawgate_training.experiment.schema import Task

ABOUT = About("tiny", "Tiny", "nobody", "Apache-2.0", "None.")
GOOD, BAD = 0, 1


def items(*labels: int) -> tuple[Item, ...]:
    """A frame for each label; never read."""
    return tuple(
        Item(str(place), str(place), label, label > 0, str(place), TextureSource(place, "knit"))
        for place, label in enumerate(labels)
    )


@pytest.mark.parametrize("task", ["cascade", "segmentation", "classification", "anomaly"])
def test_a_fit_data_set(task: Task) -> None:
    """Masks, good and defective frames do for every task."""
    frames = items(GOOD, BAD, GOOD, BAD)
    check(Dataset(ABOUT, ("background", "defect"), frames, masked=True), Subsets(frames[:2], (), frames[2:]), task)


@pytest.mark.parametrize(
    ("task", "masked", "train", "test", "sentence"),
    [
        ("cascade", False, (GOOD, BAD), (GOOD, BAD), "A cascade learns from masks, and tiny has none; put them into"),
        ("segmentation", False, (GOOD, BAD), (), "A segmentation learns from masks, and tiny has none"),
        ("cascade", True, (BAD, BAD), (BAD,), "No frame of tiny is good, so nothing tells good parts from bad ones"),
        ("anomaly", False, (GOOD, GOOD), (GOOD,), "No frame of tiny is defective"),
        ("classification", False, (BAD, BAD), (BAD,), "All frames of tiny are of one class, defect; add frames"),
        ("classification", False, (GOOD, GOOD), (BAD,), "no frame is left to learn from: defect (1 in all)"),
        ("segmentation", True, (GOOD, GOOD), (BAD,), "no frame is left to learn from: defect (1 in all)"),
        ("anomaly", False, (BAD, BAD), (GOOD,), "Subsets without a good frame, which an anomaly is measured against"),
    ],
)
def test_an_unfit_one(
    *,
    task: Task,
    masked: bool,
    train: tuple[int, ...],
    test: tuple[int, ...],
    sentence: str,
) -> None:
    """What a task lacks is said in one sentence."""
    frames = items(*train, *test)
    dataset = Dataset(ABOUT, ("background", "defect"), frames, masked=masked)
    with pytest.raises(InvalidDataset, match=re.escape(sentence)):
        check(dataset, Subsets(frames[: len(train)], (), frames[len(train) :]), task)
