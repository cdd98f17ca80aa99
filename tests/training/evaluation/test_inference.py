import numpy as np
import pytest
import torch
from support.fake_judges import BINARY, KINDS, Contrast, FakeRun, fake_run
from support.tiny_training import TILING, experiment, samples
from torch import nn

from flawgate_contracts.errors import ModelFailure
from flawgate_training.evaluation.inference import Judge, Judgement, evaluating
from flawgate_training.experiment.schema import Experiment, Task

GOOD, SPOT, STRIPE = samples((0, 1, 2))


def judged(run: FakeRun, pixels: np.ndarray) -> Judgement:
    """What the run says about one frame."""
    return Judge(run.network, run.experiment, run.classes).judge(pixels)


@pytest.mark.parametrize("task", ["cascade", "segmentation", "classification", "anomaly"])
def test_scores(task: str) -> None:
    """Of every task, a defect's score is above a good frame's, both within 0 to 1 and of six decimals."""
    run = fake_run(task)  # type: ignore[arg-type] # one of the tasks
    good, bad = (judged(run, sample.pixels).score for sample in (GOOD, SPOT))
    assert 0 <= good < bad <= 1
    assert (good, bad) == (round(good, 6), round(bad, 6))


def test_a_segmentation_marks_pixels() -> None:
    """The class map of a spot is its mask, and the score the mean of the top 1 %: eleven pixels of 1,024."""
    found = judged(fake_run("segmentation"), SPOT.pixels)
    assert found.class_map is not None
    assert found.defect_map is not None
    assert found.class_map.tolist() == (SPOT.mask > 0).astype(int).tolist()
    assert found.score == pytest.approx(float(np.sort(found.defect_map, axis=None)[-11:].mean()), abs=1e-6)
    assert found.answer is None


@pytest.mark.parametrize(("sample", "answer"), [(GOOD, 0), (SPOT, 1), (STRIPE, 2)])
def test_a_segmentation_of_several_classes_answers_one(sample: object, answer: int) -> None:
    """The frame's class is that of most of its pixels that are no background."""
    found = judged(fake_run("segmentation", kinds=True), sample.pixels)  # type: ignore[attr-defined] # a Sample
    assert found.answer == answer


def test_a_cascade_spreads_its_map() -> None:
    """A map of an eighth of the frame's size is spread over the frame."""
    found = judged(fake_run("cascade"), SPOT.pixels)
    assert found.defect_map is not None
    assert found.defect_map.shape == SPOT.mask.shape


def test_a_classification() -> None:
    """The score is the probability of not being good, the answer the likeliest class."""
    found = judged(fake_run("classification"), STRIPE.pixels)
    assert found.probabilities is not None
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.score == pytest.approx(1 - found.probabilities[0], abs=1e-6)
    assert (found.answer, found.defect_map) == (2, None)


def test_a_classification_without_a_good_class() -> None:
    """Where every class is a kind of defect, the score is the probability of the class answered."""
    plain = experiment("classification").model_dump() | {"data": {"kind": "image_folder"}}
    run = FakeRun(
        Experiment.model_validate(plain), ("holes", "raw edges", "threads"), fake_run("classification").network
    )
    found = judged(run, STRIPE.pixels)
    assert found.probabilities is not None
    assert found.score == pytest.approx(float(found.probabilities.max()), abs=1e-6)


def test_a_residual() -> None:
    """A spot of grey 220 where 120 is drawn: 100/255 in its middle, and no class of pixels."""
    found = judged(fake_run("anomaly"), SPOT.pixels)
    assert found.defect_map is not None
    assert found.defect_map.max() == pytest.approx(100 / 255)
    assert found.class_map is None


def test_the_worst_tile_decides() -> None:
    """Tiles are judged each by itself: the frame's score is that of its worst tile alone, and its map covers it all."""
    run = fake_run("segmentation")
    tiled = FakeRun(run.experiment.model_copy(update={"tiling": TILING}), BINARY, run.network)
    tiles = [judged(run, np.ascontiguousarray(SPOT.pixels[:, left : left + 16])).score for left in (0, 8, 16)]
    found = judged(tiled, SPOT.pixels)
    assert found.score == max(tiles)
    assert found.class_map is not None
    assert found.class_map.tolist() == (SPOT.mask > 0).astype(int).tolist()


def test_classes_of_a_tiled_frame() -> None:
    """Classes are told apart across tiles too."""
    run = fake_run("segmentation", kinds=True)
    tiled = FakeRun(run.experiment.model_copy(update={"tiling": TILING}), KINDS, run.network)
    assert judged(tiled, STRIPE.pixels).answer == 2


def test_frames_in_colour() -> None:
    """RGB frames go in with their channels first."""
    found = judged(fake_run("segmentation"), np.stack([SPOT.pixels] * 3, -1))
    assert found.class_map is not None
    assert found.class_map.tolist() == (SPOT.mask > 0).astype(int).tolist()


@pytest.mark.parametrize("task", ["cascade", "segmentation", "classification", "anomaly"])
def test_what_is_no_number_is_refused(task: Task) -> None:
    """A network whose weights are lost is no judge of anything."""
    run = fake_run(task)
    torch.nn.init.constant_(next(run.network.parameters()), float("nan"))
    with pytest.raises(ModelFailure, match="no numbers"):
        judged(run, SPOT.pixels)


def test_modes_come_back() -> None:
    """After judging, every part of a network is in the mode that it was in."""
    network = nn.Sequential(Contrast(), nn.BatchNorm2d(1)).train()
    network[1].eval()
    with evaluating(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == [True, True, False]


def test_no_gradients() -> None:
    """Judging keeps nothing for a backward pass."""
    run = fake_run("segmentation")
    judged(run, SPOT.pixels)
    assert run.network.weight.grad is None
    assert torch.is_grad_enabled()
