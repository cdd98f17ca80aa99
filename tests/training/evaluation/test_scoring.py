import numpy as np
import pytest
import torch
from support.fake_judges import BINARY, KINDS, fake_run
from support.tiny_training import samples
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from flawgate_training.evaluation.inference import Judge
from flawgate_training.evaluation.pixels import pixel_figures, segmentation_figures
from flawgate_training.evaluation.predictions import Prediction
from flawgate_training.evaluation.scoring import predict, validation_score
from flawgate_training.experiment.schema import Task

FRAMES = samples((0, 1, 0, 1, 2, 0))


@pytest.mark.parametrize(
    ("task", "kinds", "expected"),
    [
        ("cascade", False, 1.0),
        ("segmentation", False, 1.0),
        ("segmentation", True, 1.0),
        ("classification", True, 1.0),
        ("anomaly", False, 1.0),
    ],
)
def test_a_network_that_sees_everything(task: Task, *, kinds: bool, expected: float) -> None:
    """Whatever its task, it gets the best validation score."""
    run = fake_run(task, kinds=kinds)
    frames = FRAMES if kinds else samples((0, 1, 0, 1))
    assert validation_score(run.network, run.experiment, run.classes, frames) == pytest.approx(expected)


def test_good_frames_alone_choose_the_smallest_residual() -> None:
    """Without defective frames, an anomaly's validation score is minus the mean score of the good ones."""
    run, frames = fake_run("anomaly"), samples((0, 0, 0))
    judge = Judge(run.network, run.experiment, run.classes)
    mean = sum(judge.judge(sample.pixels).score for sample in frames) / 3
    assert validation_score(run.network, run.experiment, run.classes, frames) == pytest.approx(-mean)


def test_predictions() -> None:
    """Each keeps what the figures need of its frame."""
    run = fake_run("segmentation", kinds=True)
    predictions, _ = predict(run.network, run.experiment, run.classes, FRAMES)
    assert [(each.name, each.group, each.label, each.answer, each.defective) for each in predictions[3:5]] == [
        ("frame3", "frame3", 1, 1, True),
        ("frame4", "frame4", 2, 2, True),
    ]
    assert sum(predictions[0].confusion or ()) == 32 * 32


def test_the_histogram_ranks_as_the_pixels_do() -> None:
    """AP and AUROC of pixels, from 4,096 bins, are those of the pixels themselves to a thousandth."""
    run = fake_run("anomaly")
    _, histogram = predict(run.network, run.experiment, run.classes, FRAMES)
    judge = Judge(run.network, run.experiment, run.classes)
    maps = np.stack([np.asarray(judge.judge(sample.pixels).defect_map) for sample in FRAMES])
    truth = torch.from_numpy(np.stack([sample.mask > 0 for sample in FRAMES])).long().flatten()
    assert histogram is not None
    found = pixel_figures([histogram])
    flat = torch.from_numpy(maps).flatten()
    assert found.average_precision == pytest.approx(float(binary_average_precision(flat, truth)), abs=1e-3)
    assert found.auroc == pytest.approx(float(binary_auroc(flat, truth)), abs=1e-3)


def test_no_histogram_without_marks() -> None:
    """Where no mask marks anything, pixels cannot be ranked."""
    run = fake_run("anomaly")
    assert predict(run.network, run.experiment, run.classes, samples((0, 0)))[1] is None


def test_to_a_cascade_every_defect_is_the_one() -> None:
    """Masks of several classes are one class to a network that knows one."""
    run = fake_run("cascade")
    predictions, _ = predict(run.network, run.experiment, KINDS, FRAMES)
    assert {len(each.confusion or ()) for each in predictions} == {4}


def of_pixels(*counts: int) -> Prediction:
    """A frame whose pixels, background and defect, are so confused."""
    return Prediction(name="f", group=str(counts), defective=True, score=0.5, confusion=counts)


def test_one_matrix_over_the_whole_set() -> None:
    """IoU counts over all frames: 30 hits of 50 pixels, not the mean of the frames' 1/2 and 2/3."""
    found = segmentation_figures([of_pixels(80, 5, 5, 10), of_pixels(70, 5, 5, 20)], BINARY)
    assert found.iou == pytest.approx((150 / 170, 30 / 50))
    assert found.mean_iou == pytest.approx((150 / 170 + 30 / 50) / 2)
    assert found.mean_iou_foreground == pytest.approx(30 / 50)
    assert (found.pixel_accuracy, found.majority_accuracy) == (0.9, 0.8)
    assert found.mean_iou_interval is not None
    assert found.mean_iou_interval.low <= found.mean_iou <= found.mean_iou_interval.high


def test_a_class_that_is_not_there() -> None:
    """It has no IoU, and means go without it."""
    found = segmentation_figures([of_pixels(100, 0, 0, 0)], BINARY)
    assert (found.iou, found.mean_iou, found.mean_iou_foreground) == ((1.0, None), 1.0, None)


def test_network_is_judged_in_evaluation_mode() -> None:
    """Scoring a network in training leaves it in training."""
    run = fake_run("segmentation")
    run.network.train()
    validation_score(run.network, run.experiment, run.classes, samples((0, 1)))
    assert run.network.training
