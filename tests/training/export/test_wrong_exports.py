"""What the gate is for: exports that are wrong in the ways that happen."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from flawgate_contracts.errors import ParityRefused
from flawgate_contracts.kinds import Kind
from flawgate_contracts.recipe import Policy, TensorInput
from flawgate_imaging.judgement import Manner
from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.networks import Classifier, Segmenter
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.export import graphs, parity
from flawgate_training.export.parity import NamedFrame, Parity
from flawgate_training.export.runtimes import OnnxModels, TorchModels

SHOWN = TensorInput(channels=1, height=32, width=32)


def trained(task: Kind, outputs: int) -> nn.Module:
    """A small network that says different things of different frames."""
    name = "improved_cnn" if task == "classification" else "custom_unet"
    architecture = ARCHITECTURES[name]
    options = {} if task == "classification" else {"filters": (4, 4, 8, 8, 8)}
    torch.manual_seed(1)
    network = architecture.build(Wanted(task, 1, 32, 32, outputs), architecture.options.model_validate(options))
    with torch.no_grad():
        for _ in range(20):
            network(torch.from_numpy(np.stack([frame.pixels[None] for frame in frames()])))
        torch.manual_seed(3)
        for value in list(network.parameters())[-2:]:
            value.normal_(0.0, 0.3)
    return network.eval()


def frames() -> list[NamedFrame]:
    """Bright and dark ones, with a square."""
    made = []
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 40 * (number + 1), (32, 32)).astype(np.uint8)
        pixels[4 * number : 4 * number + 8, 8:20] = 255
        made.append(NamedFrame(f"part{number}", pixels))
    return made


def published(right: nn.Module, wrong: nn.Module, task: Kind, classes: int, folder: Path) -> Parity:
    """The comparison where another network was exported than the trained one."""
    written = graphs.write(wrong, task, SHOWN, folder)
    models = OnnxModels({each.call.part: each.path for each in written}, task, threads=1)
    manner = Manner(task, classes, None, top_share=0.01, good_class=True)
    return parity.compare(TorchModels(right, task), models, manner, Policy(threshold=0.5), frames(), precision="fp32")


@pytest.mark.parametrize(("task", "classes"), [("classification", 5), ("segmentation", 1), ("segmentation", 3)])
def test_the_right_network_passes(tmp_path: Path, task: Kind, classes: int) -> None:
    """An export of the trained network itself is let through, though its frames differ in what is said of them."""
    network = trained(task, classes)
    found = published(network, network, task, classes, tmp_path)
    parity.check(found)
    assert len({frame.torch_score for frame in found.frames}) > 1


@pytest.mark.parametrize(("task", "classes"), [("classification", 5), ("segmentation", 1), ("segmentation", 3)])
def test_normalisation_left_out(tmp_path: Path, task: Kind, classes: int) -> None:
    """A network that sees pixels of 0–255 instead of normalised ones is refused."""
    right = trained(task, classes)
    wrong = copy.deepcopy(right)
    assert isinstance(wrong, Classifier | Segmenter)
    wrong.normalise.divisor, wrong.normalise.offset = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    with pytest.raises(ParityRefused, match="does not answer as the trained one"):
        parity.check(published(right, wrong, task, classes, tmp_path))


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_classes_swapped(tmp_path: Path, task: Kind) -> None:
    """A network whose last layer names the good class where the first bad one belongs is refused."""
    right = trained(task, 3)
    wrong = copy.deepcopy(right)
    with torch.no_grad():
        for value in list(wrong.parameters())[-2:]:
            value.copy_(value[[1, 0, 2]].clone())
    with pytest.raises(ParityRefused, match="does not answer as the trained one"):
        parity.check(published(right, wrong, task, 3, tmp_path))


@pytest.mark.parametrize("which", ["trained network", "exported model"])
def test_weights_that_are_no_numbers(tmp_path: Path, which: str) -> None:
    """A network with NaN among its weights is refused, even where the trained one has the same."""
    broken = trained("classification", 5)
    right = copy.deepcopy(broken)
    with torch.no_grad():
        list(broken.parameters())[-1][0] = float("nan")
    pair = (broken, broken) if which == "trained network" else (right, broken)
    with pytest.raises(ParityRefused, match=f"The {which} gives no answer to part0"):
        published(*pair, "classification", 5, tmp_path)
