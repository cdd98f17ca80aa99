import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_matthews_corrcoef,
)

from flawgate_training.evaluation import confusion
from flawgate_training.evaluation.classes import class_figures

MATRIX = np.array([[5.0, 1, 0], [2, 3, 1], [0, 0, 8]])
"""Recalls 5/6, 3/6, 8/8; precisions 5/7, 3/4, 8/9."""


def labels() -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and answers behind `MATRIX`."""
    pairs = [(row, column) for (row, column), count in np.ndenumerate(MATRIX) for _ in range(int(count))]
    truth, answers = zip(*pairs, strict=True)
    return torch.tensor(truth), torch.tensor(answers)


def test_counting() -> None:
    """Rows are the truth, columns the answers."""
    truth, answers = labels()
    assert confusion.matrix(truth.numpy(), answers.numpy(), 3).tolist() == MATRIX.tolist()


def test_by_hand() -> None:
    """Every figure of the example, by its definition."""
    assert confusion.accuracy(MATRIX) == pytest.approx(16 / 20)
    assert confusion.recalls(MATRIX) == pytest.approx([5 / 6, 3 / 6, 1])
    assert confusion.precisions(MATRIX) == pytest.approx([5 / 7, 3 / 4, 8 / 9])
    assert confusion.f1s(MATRIX) == pytest.approx([10 / 13, 6 / 10, 16 / 17])
    assert confusion.ious(MATRIX) == pytest.approx([5 / 8, 3 / 7, 8 / 9])
    assert confusion.weighted_f1(MATRIX) == pytest.approx((6 * 10 / 13 + 6 * 6 / 10 + 8 * 16 / 17) / 20)


def test_as_torchmetrics() -> None:
    """Macro F1, balanced accuracy, mean IoU and Matthews' coefficient agree with torchmetrics."""
    truth, answers = labels()
    ours = [confusion.mean(each(MATRIX)) for each in (confusion.f1s, confusion.recalls, confusion.ious)]
    theirs = [
        multiclass_f1_score(answers, truth, 3, average="macro"),
        multiclass_accuracy(answers, truth, 3, average="macro"),
        multiclass_jaccard_index(answers, truth, 3),
    ]
    assert ours == pytest.approx([float(each) for each in theirs])
    assert confusion.mcc(MATRIX) == pytest.approx(float(multiclass_matthews_corrcoef(answers, truth, 3)))


def test_absent_classes_do_not_count() -> None:
    """A class that neither occurs nor is answered is left out of means."""
    padded = np.pad(MATRIX, (0, 1))
    assert confusion.mean(confusion.ious(padded)) == pytest.approx(float(confusion.mean(confusion.ious(MATRIX))))
    assert confusion.weighted_f1(padded) == pytest.approx(float(confusion.weighted_f1(MATRIX)))


def test_many_matrices_at_once() -> None:
    """Figures of a stack are the stack of figures."""
    stack = np.stack([MATRIX, MATRIX.T, np.eye(3)])
    assert confusion.mcc(stack) == pytest.approx([float(confusion.mcc(each)) for each in stack])
    assert confusion.ious(stack)[1] == pytest.approx(confusion.ious(MATRIX.T))


def test_the_trivial_predictor_of_paper_c() -> None:
    """Always answering the class of 71 in 82: accuracy .8659, weighted F1 .80360, no more than chance by the rest.

    Those are paper c's 86.59 % and F1 .8036 of its baseline CNN on the binary task.
    """
    truth = np.array([1] * 71 + [0] * 11)
    found = class_figures(truth, np.ones(82, np.int64), [str(n) for n in range(82)], ("good", "defective"))
    assert (round(found.accuracy, 4), round(found.weighted_f1, 5)) == (0.8659, 0.8036)
    assert (found.accuracy, found.weighted_f1) == (found.majority_accuracy, found.majority_weighted_f1)
    assert (found.majority_class, found.balanced_accuracy, found.mcc) == ("defective", 0.5, 0.0)
    assert found.macro_f1 == pytest.approx(71 / 153)


def test_figures_by_class() -> None:
    """A row per class, with its frames and the exact interval of its recall."""
    truth, answers = (each.numpy() for each in labels())
    found = class_figures(truth, answers, ["one part"] * 20, ("a", "b", "c"))
    assert [(row.name, row.frames) for row in found.classes] == [("a", 6), ("b", 6), ("c", 8)]
    assert found.classes[1].recall_interval.low < 0.5 < found.classes[1].recall_interval.high
    assert (found.majority_class, found.majority_accuracy) == ("c", 0.4)
    assert found.macro_f1_interval is None
