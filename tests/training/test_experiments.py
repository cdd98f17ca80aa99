"""Every experiment of the five papers, shrunk: it learns, is judged and reported, and goes on after a power cut."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.picture_folders import save
from support.tiny_training import same_weights

from flawgate_training import runs
from flawgate_training.datasets.items import Item, Picture
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.scoring import validation_score
from flawgate_training.experiment import loading
from flawgate_training.experiment.schema import Experiment
from flawgate_training.report import page
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks.chosen import Chosen

SIDE = 64
"""Of the networks' inputs, in pixels: the smallest that all of them take."""

CLASSES = ("good", "hole", "raw_edge")

SLIMMER: dict[str, dict[str, Any]] = {
    "unet3plus": {"filters": [2, 4, 8, 16, 32]},
    "commutator_unet": {"filters": [2, 4, 8, 16, 32]},
    "commutator_deeplabv3plus": {"encoder": "mobilenet_v2"},
}
"""Options of the networks that would take longest: the same layers with fewer channels, or a lighter encoder."""

OTHER_ENCODERS = ("_b1", "_b2", "_resnet50", "_resnet101", "_mobilenet_v2")
"""Of networks that are learned with another encoder here; tests/training/architectures builds and counts them all."""


def unlike() -> list[str]:
    """One experiment for each network, its options and its task; the others differ in settings, or encoder, alone."""
    known: dict[str, str] = {}
    for name in (each for each in loading.names() if not any(other in each for other in OTHER_ENCODERS)):
        experiment = loading.load(name)
        # How fast batch norms follow is a setting of the training, though the network keeps it.
        options = {key: value for key, value in experiment.network.options.items() if key != "batch_norm_momentum"}
        known.setdefault(f"{experiment.task} {experiment.network.architecture} {options}", name)
    return sorted(known.values())


class PowerCutError(Exception):
    """Ends a run in its midst."""


@dataclass
class Fuse:
    """Lets so many pictures pass."""

    left: int


@dataclass(frozen=True)
class CutOff:
    """A source that fails once its fuse has blown."""

    item: Item
    fuse: Fuse

    def read(self) -> Picture:
        """The picture, while the fuse lasts."""
        self.fuse.left -= 1
        if self.fuse.left < 0:
            raise PowerCutError
        return self.item.source.read()


def shrunk(name: str) -> Experiment:
    """The experiment with tiny inputs, two epochs of few steps, and generated pictures."""
    plain: dict[str, Any] = loading.load(name).model_dump(mode="json")
    for step in plain["steps"]:
        if step["op"] == "resize":
            step.update(height=SIDE, width=SIDE)
    if plain["tiling"]:
        plain["tiling"] = {"height": SIDE, "width": SIDE // 2, "stride_y": SIDE, "stride_x": SIDE // 4}
    for stage in plain["stages"].values():
        stage.update(epochs=2, batch_size=2, repeats=1)
        stage["augmentation"]["crop"] = None
        if stage["bank"]:
            stage["bank"].update(epochs=1, frames=None)
    plain["network"]["options"].update(SLIMMER.get(plain["network"]["architecture"], {}))
    plain["data"] = _data(plain["task"], plain["data"])
    plain["machine"].update(checkpoint_steps=2, memory_mb=0)
    return loading.validated(plain, source=name)


def _data(task: str, data: dict[str, Any]) -> dict[str, Any]:
    if data["kind"] == "stitches":
        return {"kind": "stitches", "train": 6, "validation": 6, "test": 6}
    if task == "classification":
        return {"kind": "image_folder", "binary": data.get("binary", True), "split": {"test": 0.3, "validation": 0.3}}
    return {"kind": "texture", "train": 8, "validation": 6, "test": 6}


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures of each of three classes."""
    folder = tmp_path_factory.mktemp("garments")
    draws = np.random.default_rng(5)
    for shade, name in enumerate(CLASSES):
        for number in range(8):
            noise = draws.integers(0, 60, (48, 40), dtype=np.uint8)
            save(folder / name / f"{number}.png", noise + np.uint8(60 * shade))
    return folder


def learned(chosen: Chosen, data: frames_of.RunData, folder: Path) -> runs.Run:
    """The run, finished."""
    validate = partial(
        validation_score, experiment=chosen.experiment, classes=data.dataset.classes, samples=data.validation
    )
    return runs.train(chosen.experiment, data.dataset.classes, data.train, folder, validate=validate)


@pytest.mark.parametrize("name", unlike())
def test_every_experiment_runs_and_resumes(name: str, garments: Path, tmp_path: Path) -> None:
    """It learns, is judged, has a report; cut off and repeated, it ends with the same weights to the last bit."""
    chosen = Chosen(shrunk(name), garments)
    data = frames_of.read(chosen)
    through = learned(chosen, data, tmp_path / "through")
    judging.evaluate_run(through, tmp_path / "through", validation=data.validation, test=data.test)
    subject = page.Subject(tmp_path / "through", through, data.test)
    assert page.write(tmp_path / "through", [subject], data.dataset.about).stat().st_size > 0

    cut = frames_of.read(chosen)
    shown = [item for item in data.train.items if chosen.experiment.task != "anomaly" or not item.defective]
    fuse = Fuse(left=len(shown) + 3)
    cut.train.items = tuple(Item(**{**vars(item), "source": CutOff(item, fuse)}) for item in cut.train.items)
    with pytest.raises(PowerCutError):
        learned(chosen, cut, tmp_path / "cut")
    assert not runs.finished(tmp_path / "cut")
    assert same_weights(learned(chosen, data, tmp_path / "cut").network, through.network)
