import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from support.tiny_training import build, experiment, same_weights, samples
from torch import nn
from torch.utils.data import Dataset

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.schema import Experiment, Task
from flawgate_training.experiment.training import Machine
from flawgate_training.learning import curves
from flawgate_training.learning.curriculum import part_of, stage_of
from flawgate_training.learning.feed import Example
from flawgate_training.learning.fit import Terms, fit
from flawgate_training.learning.loggers import Destinations
from flawgate_training.learning.machine import settle
from flawgate_training.learning.order import Batch
from flawgate_training.learning.stage import LearningStage

CLASSES = ("good", "bad")
FRAMES = [0, 1, 0, 1, 0, 1, 0, 1]
"""Labels: an epoch has four steps of two frames."""


class PowerCutError(Exception):
    """Ends a run in its midst."""


@dataclass(frozen=True)
class Watched(Dataset[Example]):
    """Examples that note which batches are asked for, by epoch and first place, and end with a power cut at one."""

    examples: Dataset[Example]
    cut: tuple[int, int] | None
    asked: list[tuple[int, int]]

    def __getitem__(self, batch: Batch) -> Example:
        """The batch, unless it is the one."""
        self.asked.append((batch[0].epoch, batch[0].place))
        if self.asked[-1] == self.cut:
            raise PowerCutError
        return self.examples[batch]


def terms(folder: Path, wanted: Experiment, title: str, **changes: Any) -> Terms:
    """Run the stage in this folder, with a checkpoint after every second step."""
    folder.mkdir(exist_ok=True)
    usual = Terms(title, Destinations(wanted, folder), settle(Machine()), checkpoint_steps=2, progress=False)
    return replace(usual, **changes)


def taught(
    wanted: Experiment,
    folder: Path,
    *,
    cut: tuple[int, int] | None = None,
    asked: list[tuple[int, int]] | None = None,
    **changes: Any,
) -> nn.Module:
    """The network of the experiment after its first stage, with a power cut at (epoch, place of a batch's first frame).

    Which batches were asked for is noted in `asked`.
    """
    title = next(iter(wanted.stages))
    lightning.seed_everything(wanted.seed, verbose=False)
    network = build(wanted, CLASSES)

    def prepare() -> LearningStage:
        stage = stage_of(wanted, title, network, CLASSES, samples(FRAMES), torch.device("cpu"))
        watched = Watched(stage.lesson.examples, cut, [] if asked is None else asked)
        stage.lesson = replace(stage.lesson, examples=watched)
        return stage

    fit(part_of(network, wanted, title), prepare, terms(folder, wanted, title, **changes))
    return network


def losses(folder: Path) -> list[float]:
    """Of every epoch."""
    return [epoch.loss for stage in curves.read(folder).values() for epoch in stage]


@pytest.mark.parametrize("cut", [(0, 2), (0, 4), (0, 6), (1, 0), (1, 2), (1, 6), (2, 0)])
@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_resumes_at_the_same_step(tmp_path: Path, task: Task, cut: tuple[int, int]) -> None:
    """Cut off at any step of any epoch and resumed, a stage ends with the losses and weights of one that ran through.

    To the last bit: order, augmentation, dropout, schedule, moving average and optimiser all go on.
    """
    wanted = experiment(task, epochs=3, ema=0.9, sampler="frequency_of_use", schedule="cosine", gradient_clip=0.5)
    through = taught(wanted, tmp_path / "through")
    with pytest.raises(PowerCutError):
        taught(wanted, tmp_path / "cut", cut=cut)
    resumed = taught(wanted, tmp_path / "cut")
    assert same_weights(resumed, through)
    assert losses(tmp_path / "cut") == losses(tmp_path / "through")
    assert len(losses(tmp_path / "cut")) == 3


@pytest.mark.parametrize(
    ("cut", "first"), [((0, 2), (0, 0)), ((0, 6), (0, 4)), ((1, 0), (1, 0)), ((1, 2), (1, 0)), ((1, 6), (1, 4))]
)
def test_goes_on_from_the_newest_checkpoint(tmp_path: Path, cut: tuple[int, int], first: tuple[int, int]) -> None:
    """With a checkpoint after every second step and every epoch, no step before it is done again."""
    with pytest.raises(PowerCutError):
        taught(experiment(), tmp_path, cut=cut)
    asked: list[tuple[int, int]] = []
    taught(experiment(), tmp_path, asked=asked)
    assert asked[0] == first
    assert asked[-1] == (1, 6)
    assert asked == sorted(asked)


def test_resumes_again_and_again(tmp_path: Path) -> None:
    """Three cuts at ever later steps change nothing either, nor does going on with a loader process."""
    wanted = experiment(epochs=3)
    through = taught(wanted, tmp_path / "through")
    for cut in [(0, 4), (1, 0), (2, 6)]:
        with pytest.raises(PowerCutError):
            taught(wanted, tmp_path / "cut", cut=cut)
    workers = wanted.model_copy(update={"machine": Machine(workers=1)})
    assert same_weights(taught(workers, tmp_path / "cut"), through)


def test_a_finished_stage_is_loaded_alone(tmp_path: Path) -> None:
    """What is finished is not learned again: its frames are not even looked at."""
    wanted = experiment()
    once = taught(wanted, tmp_path)
    asked: list[tuple[int, int]] = []
    again = taught(wanted, tmp_path, asked=asked)
    assert same_weights(once, again)
    assert asked == []


def test_other_seeds_learn_otherwise(tmp_path: Path) -> None:
    """The same seed gives the same losses and weights, another one others."""
    first, second, other = (
        taught(experiment(seed=seed), tmp_path / name) for name, seed in (("1", 0), ("2", 0), ("3", 1))
    )
    assert same_weights(first, second)
    assert losses(tmp_path / "1") == losses(tmp_path / "2") != losses(tmp_path / "3")
    assert not same_weights(first, other)


@dataclass
class Scored:
    """A validation whose scores are known beforehand; keeps the weights that it saw."""

    scores: list[float]
    seen: list[dict[str, torch.Tensor]]

    def __call__(self, network: nn.Module) -> float:
        """The next score."""
        assert not network.training
        self.seen.append({name: weight.clone() for name, weight in network.state_dict().items()})
        return self.scores[len(self.seen) - 1]


@pytest.mark.parametrize("ema", [None, 0.5])
def test_the_best_epoch_is_kept(tmp_path: Path, ema: float | None) -> None:
    """The weights kept are those that scored highest, the first of equals; the curves hold every score."""
    validate = Scored([0.1, 0.7, 0.7, 0.2], [])
    network = taught(experiment(epochs=4, ema=ema), tmp_path, validate=validate)
    assert all(torch.equal(weight, validate.seen[1][name]) for name, weight in network.state_dict().items())
    assert [epoch.score for epoch in curves.read(tmp_path)["segmentation"]] == validate.scores


def test_not_every_epoch_is_scored(tmp_path: Path) -> None:
    """With a look at every second epoch, the second, the fourth and the last have a score, and the best is kept."""
    validate = Scored([0.1, 0.7, 0.2], [])
    network = taught(experiment(epochs=5, validate_every=2), tmp_path, validate=validate)
    assert all(torch.equal(weight, validate.seen[1][name]) for name, weight in network.state_dict().items())
    assert [epoch.score for epoch in curves.read(tmp_path)["segmentation"]] == [None, 0.1, None, 0.7, 0.2]


def test_stops_early(tmp_path: Path) -> None:
    """After two epochs without a better score, a stage with that much patience ends, and keeps the best weights."""
    validate = Scored([0.5, 0.9, 0.9, 0.8, 1.0], [])
    network = taught(experiment(epochs=5, patience=2), tmp_path, validate=validate)
    assert len(validate.seen) == 4
    assert all(torch.equal(weight, validate.seen[1][name]) for name, weight in network.state_dict().items())


@dataclass
class Failing(Scored):
    """Scores as known beforehand, then a power cut."""

    def __call__(self, network: nn.Module) -> float:
        """The next score, while there is one."""
        if len(self.seen) == len(self.scores):
            raise PowerCutError
        return super().__call__(network)


def test_patience_survives_an_interruption(tmp_path: Path) -> None:
    """Epochs without a better score are counted on after an interruption."""
    wanted = experiment(epochs=9, patience=3)
    with pytest.raises(PowerCutError):
        taught(wanted, tmp_path, validate=Failing([0.9, 0.1, 0.1], []))
    later = Scored([0.1, 1.0, 1.0], [])
    taught(wanted, tmp_path, validate=later)
    assert len(later.seen) == 1
    assert [epoch.score for epoch in curves.read(tmp_path)["segmentation"]] == [0.9, 0.1, 0.1, 0.1]


def test_a_score_that_is_no_number_is_never_the_best(tmp_path: Path) -> None:
    """Where no epoch could be scored, the last one's weights are kept."""
    validate = Scored([float("nan")] * 2, [])
    network = taught(experiment(), tmp_path, validate=validate)
    assert all(torch.equal(weight, validate.seen[1][name]) for name, weight in network.state_dict().items())


def test_the_moving_average_is_kept(tmp_path: Path) -> None:
    """With a moving average, the weights kept lie between the first ones and the last ones."""
    slow, last = taught(experiment(ema=0.999), tmp_path / "slow"), taught(experiment(), tmp_path / "last")
    lightning.seed_everything(0, verbose=False)
    first = build(experiment(), CLASSES)
    moved, far = (
        sum(float((a - b).detach().abs().sum()) for a, b in zip(first.parameters(), other.parameters(), strict=True))
        for other in (slow, last)
    )
    assert 0 < moved < far


class Wrecked(nn.Module):
    """A network whose answers are no numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float("nan")))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return frames.float() * self.weight


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    """A loss that is no number any more ends the run with what to do."""
    wanted = experiment()
    network = Wrecked()
    with pytest.raises(InvalidExperiment, match="lower its learning rate"):
        fit(
            network,
            lambda: stage_of(wanted, "segmentation", network, CLASSES, samples(), torch.device("cpu")),
            terms(tmp_path, wanted, "segmentation"),
        )


def test_what_an_epoch_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every epoch logs one line, and lands in the curves and in TensorBoard's folder of the stage."""
    with caplog.at_level(logging.INFO, "flawgate_training"):
        taught(experiment(), tmp_path, validate=Scored([0.5, 0.25], []))
    lines = [record.getMessage() for record in caplog.records if "loss" in record.getMessage()]
    assert [line.split(":")[0] for line in lines] == ["segmentation 1/2", "segmentation 2/2"]
    assert "validation score 0.2500" in lines[1]
    (epoch, last) = curves.read(tmp_path)["segmentation"]
    assert (epoch.epoch, last.epoch, last.learning_rate) == (1, 2, 0.0)
    assert epoch.seconds > 0
    assert list((tmp_path / "tensorboard" / "segmentation").glob("events*"))


def test_the_bar_is_drawn_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere than on a terminal there is no bar, unless it is asked for."""
    taught(experiment(), tmp_path / "quiet")
    assert capsys.readouterr().out == ""
    taught(experiment(), tmp_path / "bar", progress=True)
    assert "Epoch 1/1" in capsys.readouterr().out


def unprepared() -> LearningStage:
    """For a stage that is finished already."""
    raise AssertionError


def test_seconds_add_up(tmp_path: Path) -> None:
    """The time of a finished stage is that of its epochs and of what came before them."""
    wanted = experiment()
    taught(wanted, tmp_path)
    seconds = fit(build(wanted, CLASSES), unprepared, terms(tmp_path, wanted, "segmentation"))
    assert seconds >= sum(epoch.seconds for epoch in curves.read(tmp_path)["segmentation"]) > 0
