import re
from collections.abc import Callable

import pytest
import torch
from torch import nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_contracts.tiling import Tiling
from flawgate_training.architectures import registry
from flawgate_training.architectures.networks import Cascade, Classifier, Reconstructor, Segmenter
from flawgate_training.architectures.registry import ARCHITECTURES, build, cam_layer
from flawgate_training.experiment.schema import Experiment, Task

Describe = Callable[..., Experiment]

BINARY = ("good", "defect")
SEVERAL = ("background", "hole", "pucker")


@pytest.mark.parametrize(
    ("name", "task", "classes", "kind", "shape"),
    [
        ("custom_unet", "segmentation", BINARY, Segmenter, (2, 1, 64, 64)),
        ("custom_unet", "segmentation", SEVERAL, Segmenter, (2, 3, 64, 64)),
        ("custom_unet", "anomaly", ("good",), Reconstructor, (2, 1, 64, 64)),
        ("deeplabv3plus", "segmentation", SEVERAL, Segmenter, (2, 3, 64, 64)),
        ("baseline_cnn", "classification", BINARY, Classifier, (2, 2)),
        ("baseline_cnn", "classification", SEVERAL, Classifier, (2, 3)),
        ("leather_cnn", "classification", BINARY, Classifier, (2, 1)),
        ("leather_cnn", "classification", SEVERAL, Classifier, (2, 3)),
    ],
)
def test_outputs_follow_the_classes(
    describe: Describe, name: str, task: Task, classes: tuple[str, ...], kind: type[nn.Module], shape: tuple[int, ...]
) -> None:
    """Two classes of pixels, and two of leather, share one output; all others have one each."""
    options = {"encoder": "mobilenet_v2"} if name == "deeplabv3plus" else {}
    network = build(describe(name, task, options=options), classes).eval()
    assert isinstance(network, kind)
    with torch.no_grad():
        assert network(torch.zeros(2, 1, 64, 64, dtype=torch.uint8)).shape == shape


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("commutator_two_stage", {}),
        ("commutator_unet", {"filters": [4, 4, 8, 8, 8]}),
        ("commutator_deeplabv3plus", {"encoder": "mobilenet_v2"}),
    ],
)
def test_cascades_meet_at_144_features(describe: Describe, name: str, options: dict[str, object]) -> None:
    """Each segmentation gives 144 features and a logit at an eighth; the classification decides from these."""
    network = build(describe(name, "cascade", size=(64, 96), options=options), BINARY).eval()
    assert isinstance(network, Cascade)
    frames = torch.zeros(2, 1, 64, 96, dtype=torch.uint8)
    with torch.no_grad():
        features = network.segmentation(frames)
        mask, score = network(frames)
        assert features.shape == (2, 145, 8, 12)
        assert torch.equal(mask, features[:, 144:].sigmoid())
        assert torch.equal(score, network.classification(features).sigmoid())
    assert float(mask.mean()) < 0.05


@pytest.mark.parametrize(("momentum", "expected"), [(None, {0.01, 0.1}), (0.05, {0.05})])
def test_running_statistics_follow_as_fast_as_asked(
    describe: Describe, momentum: float | None, expected: set[float]
) -> None:
    """EfficientNet's batch norms are ten times as slow as torch's in the library; one option sets them all."""
    options = {"encoder": "efficientnet-b0"} | ({} if momentum is None else {"batch_norm_momentum": momentum})
    network = build(describe("unet", "segmentation", channels=3, options=options), SEVERAL)
    found = {module.momentum for module in network.modules() if isinstance(module, nn.BatchNorm2d)}
    assert {round(each, 6) for each in found if each is not None} == expected


def test_random_weights_follow_the_seed(describe: Describe) -> None:
    """The same seed gives the same network, another seed another."""
    networks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        networks.append(build(describe("improved_cnn", "classification"), BINARY).state_dict())
    first, again, other = (network["body.features.0.0.0.weight"] for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("name", "task", "changes", "sentence"),
    [
        ("resnet34", "classification", {}, "There is no architecture resnet34; choose deeplabv3plus, manet, .* or "),
        (
            "resnet18",
            "segmentation",
            {},
            "resnet18 cannot do the task segmentation, only classification; for segmentation, choose .* or unet3plus",
        ),
        ("unet", "anomaly", {}, "unet cannot do the task anomaly, .* choose custom_unet, .* or unet3plus"),
        (
            "unet",
            "segmentation",
            {"size": (704, 1050)},
            r"multiples of 32 .* 704×1050 .*; resize, or tile, to 704×1056",
        ),
        ("commutator_unet", "cascade", {"size": (40, 64)}, "multiples of 16 from 64 pixels .* to 64×64"),
        ("leather_cnn", "classification", {"size": (20, 150)}, "sides from 22 pixels .* to 22×150"),
        (
            "manet",
            "segmentation",
            {"options": {"encoder": "vgg"}},
            "Wrong options of manet: encoder: Input should be 'efficientnet-b0'.*It takes encoder",
        ),
        ("manet", "segmentation", {"options": {"depth": 4}}, "manet: depth: Extra inputs .* It takes encoder"),
        ("resnet18", "classification", {"options": {"depth": 4}}, "resnet18: depth: .* It takes none"),
        ("custom_unet", "segmentation", {"options": {"filters": [1, 2]}}, "custom_unet: filters.2: Field required"),
        ("custom_unet", "segmentation", {"options": {"shortcut": True}}, "for reconstructions, not for a segmentation"),
        ("commutator_two_stage", "cascade", {"options": {"n": 1}}, "It takes blocks or rectify_map"),
    ],
)
def test_what_cannot_be_built_is_told(
    describe: Describe, name: str, task: Task, changes: dict[str, object], sentence: str
) -> None:
    """An unknown name, task, option or input size is an expected error that names what would do."""
    with pytest.raises(InvalidExperiment) as caught:
        build(describe(name, task, **changes), BINARY)
    assert re.search(sentence, caught.value.message), caught.value.message
    assert caught.value.metadata["field"]


@pytest.mark.parametrize(("task", "name"), [("segmentation", "unet"), ("classification", "resnet18")])
def test_one_class_cannot_be_told_apart(describe: Describe, task: Task, name: str) -> None:
    """A data set of one class is refused by name, with the task that could learn from it."""
    with pytest.raises(InvalidExperiment, match=r"the data set has only good; .* by the task anomaly"):
        build(describe(name, task), ("good",))


def test_a_tile_is_the_input(describe: Describe) -> None:
    """With tiling, it is the tile that must suit the network, and the error is about the tiling."""
    tiled = describe("custom_unet", "segmentation", size=(512, 512))
    fitting = Tiling(height=512, width=64, stride_y=512, stride_x=15)
    registry.check(tiled.model_copy(update={"tiling": fitting}))
    with pytest.raises(InvalidExperiment, match="512×60") as caught:
        registry.check(tiled.model_copy(update={"tiling": fitting.model_copy(update={"width": 60})}))
    assert caught.value.metadata["field"] == "tiling"


@pytest.mark.parametrize("name", [name for name, each in ARCHITECTURES.items() if "classification" in each.tasks])
def test_grad_cam_has_a_layer(describe: Describe, name: str) -> None:
    """Of every classifier, the layer that Grad-CAM looks at gives maps that still tell places apart."""
    network = build(describe(name, "classification", size=(96, 128)), BINARY).eval()
    shapes = []
    cam_layer(network).register_forward_hook(lambda _layer, _inputs, output: shapes.append(output.shape))
    with torch.no_grad():
        network(torch.zeros(1, 1, 96, 128, dtype=torch.uint8))
    ((batch, channels, height, width),) = shapes
    assert batch == 1
    assert channels >= 64
    assert height >= 3
    assert width > height


def test_maps_explain_themselves(describe: Describe) -> None:
    """A network that gives maps has no layer for Grad-CAM, and the error says what to show instead."""
    with pytest.raises(InvalidExperiment, match="show this network's own map"):
        cam_layer(build(describe("custom_unet", "segmentation"), BINARY))
