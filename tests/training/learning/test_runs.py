import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.killed_training import CLASSES, started_training, wanted
from support.tiny_training import build, experiment, parted, same_weights, samples
from torch import nn

from flawgate_contracts.errors import DiskFull, FlawgateError, InvalidDataset, InvalidExperiment, InvalidParameter
from flawgate_training import runs
from flawgate_training.datasets.samples import Samples
from flawgate_training.experiment.schema import Experiment, Task
from flawgate_training.experiment.training import Machine
from flawgate_training.learning import curves
from flawgate_training.learning.curriculum import stage_of
from flawgate_training.learning.stage import LearningStage
from flawgate_training.runs import Run


def train(wanted: Experiment, folder: Path, frames: Samples | None = None, **options: Any) -> Run:
    """Carry the experiment out with a tiny network."""
    return runs.train(wanted, CLASSES, samples() if frames is None else frames, folder, build=build, **options)


def losses(folder: Path) -> list[float]:
    """Of every epoch of every stage."""
    return [epoch.loss for stage in curves.read(folder).values() for epoch in stage]


@pytest.mark.parametrize("task", ["cascade", "segmentation", "classification", "anomaly"])
def test_a_run(tmp_path: Path, task: Task) -> None:
    """Every task leaves the same folder behind: experiment, classes, curves of each stage, facts and weights."""
    wanted = experiment(task)
    run = train(wanted, tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        ".lock",
        "classes.json",
        "curves.json",
        "experiment.json",
        "tensorboard",
        "training.json",
        "weights.pt",
    ]
    assert (run.experiment, run.classes, run.device, run.network.training) == (wanted, CLASSES, "cpu", False)
    assert {title: len(epochs) for title, epochs in curves.read(tmp_path / "run").items()} == dict.fromkeys(
        wanted.stages, 2
    )
    assert set(run.versions) == {"torch", "lightning", "numpy", "python"}
    assert same_weights(runs.load(tmp_path / "run", build=build).network, run.network)


def test_runs_repeat(tmp_path: Path) -> None:
    """Two runs of the same experiment give the same weights and losses, and another seed gives others."""
    first, second, other = (
        train(experiment("cascade", seed=seed), tmp_path / name) for name, seed in (("1", 0), ("2", 0), ("3", 1))
    )
    assert same_weights(first.network, second.network)
    assert not same_weights(first.network, other.network)
    assert losses(tmp_path / "1") == losses(tmp_path / "2") != losses(tmp_path / "3")


def test_a_run_that_is_asked_to_stop_does_not_claim_to_be_finished(tmp_path: Path) -> None:
    """SIGTERM, as of a machine that is wanted for something else, ends it with the status that shells give to that."""
    process = started_training(tmp_path)
    while not (tmp_path / "checkpoints/segmentation/last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.terminate()
    assert process.wait() == 143
    assert not runs.finished(tmp_path)


def test_refinements_do_without_the_frames_of_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is left out of a refinement, and the classification sees its frames as that refinement does."""
    taught: list[tuple[str, list[str], list[list[str]]]] = []

    def noted(wanted: Experiment, title: str, *rest: Any) -> LearningStage:
        _, _, frames, _, held_out = rest
        taught.append((title, names(frames), [names(part.samples) for part in held_out]))
        return stage_of(wanted, title, *rest)

    def names(frames: Samples) -> list[str]:
        return [item.name for item in frames.items]

    monkeypatch.setattr(runs, "stage_of", noted)
    train(parted(experiment("cascade")), tmp_path)
    every = names(samples())
    titles, learned, held_out = zip(*taught, strict=True)
    assert titles == ("segmentation", "refinement", "refinement", "refinement", "classification")
    assert [learned[place] for place in (0, 3, 4)] == [every] * 3
    assert sorted(held_out[4][0] + held_out[4][1]) == every
    assert [sorted(learned[1 + number] + held_out[4][number]) for number in (0, 1)] == [every] * 2
    assert set(learned[1]) & set(held_out[4][0]) == set()
    assert list(curves.read(tmp_path)) == [
        *("segmentation", "refinement_without_part_1", "refinement_without_part_2", "refinement", "classification")
    ]


@pytest.mark.parametrize("title", ["segmentation", "refinement_without_part_2", "classification"])
def test_a_killed_run_goes_on(tmp_path: Path, title: str) -> None:
    """A run whose process is killed in either stage ends, taken up by another, as one that ran through: bit by bit.

    While the first process is at work, a second one is refused.
    """
    through = train(wanted(), tmp_path / "through")
    folder = tmp_path / "killed"
    process = started_training(folder)
    while not (folder / "checkpoints" / title / "last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.002)
    with pytest.raises(InvalidParameter, match="Another process is training in"):
        train(wanted(), folder)
    process.kill()
    process.wait()
    assert not runs.finished(folder)
    assert same_weights(train(wanted(), folder).network, through.network)
    assert losses(folder) == losses(tmp_path / "through")


def test_a_finished_run_is_not_repeated(tmp_path: Path) -> None:
    """Asked again, a finished run is read from its folder, even without frames."""
    once = train(experiment(), tmp_path)
    again = train(experiment(), tmp_path, samples([]))
    assert same_weights(once.network, again.network)
    assert again.seconds == once.seconds


def test_a_run_may_go_on_with_another_machine(tmp_path: Path) -> None:
    """How the machine is used is no part of what a folder belongs to."""
    wanted = experiment()
    once = train(wanted, tmp_path)
    other = wanted.model_copy(update={"machine": Machine(workers=1, memory_mb=1)})
    assert same_weights(train(other, tmp_path).network, once.network)


@pytest.mark.parametrize("changes", [{"seed": 9}, {"epochs": 3}])
def test_a_folder_belongs_to_one_experiment(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Another experiment is not mixed into the folder of a run."""
    train(experiment(), tmp_path)
    with pytest.raises(InvalidParameter, match="holds a run with other settings"):
        train(experiment(**changes), tmp_path)


def test_a_folder_belongs_to_its_classes(tmp_path: Path) -> None:
    """Nor are other classes."""
    train(experiment(), tmp_path)
    with pytest.raises(InvalidParameter, match="holds a run with other settings"):
        runs.train(experiment(), ("good", "worn"), samples(), tmp_path, build=build)


def test_validation_chooses_the_last_stage_alone(tmp_path: Path) -> None:
    """Of a cascade, the whole network is scored after each epoch of the classification, never before."""
    scores = iter([0.25, 0.75])
    train(experiment("cascade"), tmp_path, validate=lambda network: next(scores))
    assert {title: [epoch.score for epoch in epochs] for title, epochs in curves.read(tmp_path).items()} == {
        "segmentation": [None, None],
        "refinement": [None, None],
        "classification": [0.25, 0.75],
    }


def test_first_weights_may_be_gone(tmp_path: Path) -> None:
    """A finished run is read without the file of weights that it began from."""
    begun: list[str | None] = []

    def noting(wanted: Experiment, classes: Sequence[str]) -> nn.Module:
        begun.append(wanted.network.weights)
        return build(wanted, classes)

    wanted = experiment(network={"architecture": "tiny", "weights": "begin.pt"})
    run = runs.train(wanted, CLASSES, samples(), tmp_path, build=noting)
    assert begun == ["begin.pt", None]
    assert run.experiment == wanted


def test_weights_are_plain(tmp_path: Path) -> None:
    """The file of weights holds the network's state and nothing else."""
    run = train(experiment(), tmp_path)
    state = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert list(state) == list(run.network.state_dict())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    """A run that finds its disk full names the folder; once there is space, it goes on."""
    staged = tmp_path / "checkpoints" / "segmentation" / ".last.ckpt.part"
    staged.parent.mkdir(parents=True)
    staged.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"No space is left in .*free some and repeat the command"):
        train(experiment(), tmp_path)
    assert same_weights(train(experiment(), tmp_path).network, train(experiment(), tmp_path / "other").network)


@pytest.mark.parametrize(
    ("wanted", "frames", "kind", "sentence"),
    [
        (experiment(loss={"name": "mse"}), [0, 1], InvalidExperiment, "mse is no loss of a segmentation"),
        (experiment(sampler="alternate"), [0, 0], InvalidDataset, "takes both"),
        (experiment(), [], InvalidDataset, "no frame to learn from"),
        (experiment(patience=2), [0, 1], InvalidExperiment, "there are no validation frames"),
    ],
)
def test_what_cannot_be_carried_out(
    tmp_path: Path, wanted: Experiment, frames: list[int], kind: type[FlawgateError], sentence: str
) -> None:
    """What does not fit together is refused before anything is learned."""
    with pytest.raises(kind, match=sentence):
        train(wanted, tmp_path, samples(frames))


def test_no_run(tmp_path: Path) -> None:
    """A folder without a run is named as such."""
    with pytest.raises(InvalidParameter, match="There is no run in"):
        runs.load(tmp_path)


def test_unfinished_run(tmp_path: Path) -> None:
    """A run that was interrupted is not mistaken for a finished one."""
    train(experiment(), tmp_path)
    (tmp_path / "weights.pt").unlink()
    with pytest.raises(InvalidParameter, match="is not finished"):
        runs.load(tmp_path, build=build)


def test_unreadable_run(tmp_path: Path) -> None:
    """An experiment that this version cannot read is named as such."""
    (tmp_path / "experiment.json").write_text("{}")
    with pytest.raises(InvalidParameter, match=r"experiment\.json cannot be read"):
        runs.load(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """A file where the folder should be is refused."""
    (tmp_path / "run").write_text(json.dumps("a file"))
    with pytest.raises(InvalidParameter, match="cannot be written to"):
        train(experiment(), tmp_path / "run")
