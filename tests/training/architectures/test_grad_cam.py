from collections.abc import Callable

import pytest
import torch
from pytorch_grad_cam import GradCAM, HiResCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from flawgate_training.architectures.networks import Cascade, Classifier
from flawgate_training.architectures.registry import build, cam_layer
from flawgate_training.experiment.schema import Experiment
from flawgate_training.explain import explained, grad_cam, hires_cam

Describe = Callable[..., Experiment]

CLASSES = ("good", "hole", "pucker")


def noise(height: int, width: int) -> Tensor:
    """Two grey frames, uint8."""
    return torch.randint(0, 256, (2, 1, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", ["resnet18", "improved_cnn"])
@pytest.mark.parametrize("target", [0, 2])
def test_agrees_with_the_package(describe: Describe, name: str, target: int) -> None:
    """Our Grad-CAM is that of the package grad-cam, to 1e-5."""
    torch.manual_seed(0)
    network = build(describe(name, "classification", size=(96, 128)), CLASSES).eval()
    frames, layer = noise(96, 128), cam_layer(network)
    with GradCAM(model=network, target_layers=[layer]) as package:
        expected = package(input_tensor=frames, targets=[ClassifierOutputTarget(target)] * 2)
    actual = grad_cam(network, layer, frames, target)
    assert float(actual.max()) == 1.0
    torch.testing.assert_close(actual, torch.from_numpy(expected), rtol=0, atol=1e-5)
    torch.testing.assert_close(explained(network, layer, frames, target), actual, rtol=0, atol=0)


def test_hires_cam_agrees_with_the_package(describe: Describe) -> None:
    """Our HiResCAM is that of the package grad-cam, to 1e-5."""
    torch.manual_seed(0)
    options = {"pooling": "global"}
    network = build(describe("leather_cnn", "classification", size=(96, 128), options=options), CLASSES).eval()
    frames, layer = noise(96, 128), cam_layer(network)
    with HiResCAM(model=network, target_layers=[layer]) as package:
        expected = package(input_tensor=frames, targets=[ClassifierOutputTarget(1)] * 2)
    torch.testing.assert_close(hires_cam(network, layer, frames, 1), torch.from_numpy(expected), rtol=0, atol=1e-5)


class Loudest(nn.Module):
    """One map, the frame; the class is for its brightest place, and against brightness all over."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 1, 1, bias=False)
        self.maps.weight.data = torch.ones(1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, 1)."""
        bright = self.maps(x)
        logits: Tensor = bright.amax(dim=(2, 3)) - 2 * bright.mean(dim=(2, 3))
        return logits


def test_a_head_of_maxima_is_explained() -> None:
    """Where the mean gradient speaks against the class, Grad-CAM is blank; the explanation still shows the place."""
    frames = torch.full((1, 1, 8, 8), 140, dtype=torch.uint8)
    frames[0, 0, 2, 5] = 255
    network = Classifier(Loudest()).eval()
    layer = network.body.get_submodule("maps")
    assert float(grad_cam(network, layer, frames, 0).max()) == 0.0
    assert int(explained(network, layer, frames, 0).flatten().argmax()) == 2 * 8 + 5


class Corners(nn.Module):
    """Two maps, the frame and its negative; class 0 is for bright places, class 1 for dark ones."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1, bias=False)
        self.maps.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, 2)."""
        sums: Tensor = self.maps(x).relu().mean(dim=(2, 3))
        return sums


@pytest.mark.parametrize(("target", "row"), [(0, 0), (1, 7)])
def test_points_at_what_speaks_for_the_class(target: int, row: int) -> None:
    """A network that adds up bright places is explained by the bright ones, and its other class by the dark ones."""
    frames = torch.full((1, 1, 8, 8), 128, dtype=torch.uint8)
    frames[0, 0, 0, 0], frames[0, 0, 7, 7] = 255, 0
    network = Classifier(Corners()).eval()
    cam = grad_cam(network, network.body.get_submodule("maps"), frames, target)
    assert cam.shape == (1, 8, 8)
    assert cam.flatten().argmax() == row * 8 + row


def test_frozen_weights_are_explained(describe: Describe) -> None:
    """Frozen weights and a caller without gradients change nothing, and no gradient or hook is left behind."""
    torch.manual_seed(0)
    network = build(describe("baseline_cnn", "classification"), CLASSES).eval()
    layer, frames = cam_layer(network), noise(64, 64)
    free = grad_cam(network, layer, frames, 1)
    with torch.no_grad():
        frozen = grad_cam(network.requires_grad_(requires_grad=False), layer, frames, 1)
    assert torch.equal(free, frozen)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not layer._forward_hooks


def test_cascade_is_explained_by_its_classification(describe: Describe) -> None:
    """Of a cascade, the score's logit is explained, over the whole frame."""
    torch.manual_seed(0)
    network = build(describe("commutator_two_stage", "cascade", size=(64, 96)), ("good", "defect")).eval()
    assert isinstance(network, Cascade)
    cam = grad_cam(network, cam_layer(network), noise(64, 96), 0)
    assert cam.shape == (2, 64, 96)
    assert cam.dtype == torch.float32
    assert bool(((cam >= 0) & (cam <= 1)).all())


def test_nothing_speaks_for_it() -> None:
    """Where no place speaks for the class, the map is 0 throughout."""
    network = Classifier(Corners()).eval()
    black = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    assert not grad_cam(network, network.body.get_submodule("maps"), black, 0).any()
