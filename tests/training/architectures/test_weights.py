from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.architectures.registry import build
from flawgate_training.architectures.weights import encoder_of
from flawgate_training.experiment.schema import Experiment

Describe = Callable[..., Experiment]

BINARY = ("good", "defect")
FIVE = ("a", "b", "c", "d", "e")


def save(state: Mapping[str, Tensor], file: Path) -> Path:
    """In the format that the name says."""
    if file.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, file)
    else:
        torch.save(dict(state), file)
    return file


def shaken(network: Any) -> Any:
    """Statistics and scales unlike those of a fresh network, so that a value left behind shows."""
    torch.manual_seed(5)
    for key, value in network.state_dict().items():
        if value.is_floating_point() and "var" not in key:
            value.add_(torch.randn(value.shape) * 0.05)
    return network.eval()


def assert_same(actual: nn.Module, expected: Mapping[str, Tensor]) -> None:
    """All of `expected` is there, to the bit."""
    state = actual.state_dict()
    assert all(torch.equal(state[key], value) for key, value in expected.items())


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
def test_whole_network(describe: Describe, tmp_path: Path, suffix: str) -> None:
    """A network begins from the file that a run of the same architecture saved, in every format."""
    trained = shaken(build(describe("improved_cnn", "classification"), BINARY)).state_dict()
    file = save(trained, tmp_path / f"weights.{suffix}")
    assert_same(build(describe("improved_cnn", "classification", weights=file), BINARY), trained)


def test_state_dict_within_a_checkpoint(describe: Describe, tmp_path: Path) -> None:
    """A state dict may lie under that name, as trainers write checkpoints."""
    trained = shaken(build(describe("improved_cnn", "classification"), BINARY)).state_dict()
    torch.save({"epoch": 3, "state_dict": trained}, tmp_path / "checkpoint.pt")
    network = build(describe("improved_cnn", "classification", weights=tmp_path / "checkpoint.pt"), BINARY)
    assert_same(network, trained)


def test_a_head_of_another_size_stays_random(describe: Describe, tmp_path: Path) -> None:
    """From a network of five classes to one of two, all is taken but the last layer."""
    trained = shaken(build(describe("improved_cnn", "classification"), FIVE)).state_dict()
    file = save(trained, tmp_path / "five.pt")
    network = build(describe("improved_cnn", "classification", weights=file), BINARY)
    assert_same(network, {key: value for key, value in trained.items() if ".decision.5." not in key})


def test_timm_classifier_for_rgb(describe: Describe, tmp_path: Path) -> None:
    """Timm's ResNet-18 of three channels and 1000 classes fits a grey network of two: its stem is summed."""
    trained = shaken(timm.create_model("resnet18", pretrained=False)).state_dict()
    file = save(trained, tmp_path / "resnet18.safetensors")
    body = build(describe("resnet18", "classification", weights=file), BINARY).get_submodule("body")
    stem = trained.pop("conv1.weight").sum(dim=1, keepdim=True)
    assert_same(
        body, {key: value for key, value in trained.items() if not key.startswith("fc.")} | {"conv1.weight": stem}
    )


@pytest.mark.parametrize(
    ("name", "task"),
    [("unet", "segmentation"), ("deeplabv3plus", "segmentation"), ("commutator_deeplabv3plus", "cascade")],
)
def test_encoder_as_smp_saves_it(describe: Describe, tmp_path: Path, name: str, task: str) -> None:
    """An encoder's file fits every network on that encoder; the rest stays random."""
    encoder = shaken(smp.encoders.get_encoder("mobilenet_v2", weights=None, in_channels=1)).state_dict()
    beyond = {"classifier.1.weight": torch.zeros(10, 1280), "classifier.1.bias": torch.zeros(10)}
    file = save(encoder | beyond, tmp_path / "encoder.pt")
    network = build(describe(name, task, options={"encoder": "mobilenet_v2"}, weights=file), BINARY)
    found = encoder_of(network)
    assert found is not None
    assert_same(found, encoder)


def test_encoder_of_a_trained_network(describe: Describe, tmp_path: Path) -> None:
    """The encoder within the file of one architecture serves another on the same encoder."""
    on = {"encoder": "mobilenet_v2"}
    trained = shaken(build(describe("deeplabv3plus", "segmentation", options=on), BINARY))
    file = save(trained.state_dict(), tmp_path / "deeplab.pt")
    found, given = (
        encoder_of(build(describe("unet", "segmentation", options=on, weights=file), BINARY)),
        encoder_of(trained),
    )
    assert found is not None
    assert given is not None
    assert_same(found, given.state_dict())


@pytest.mark.parametrize(
    ("encoder", "timms"), [("efficientnet-b0", "tf_efficientnet_b0"), ("mobilenet_v2", "mobilenetv2_100")]
)
def test_encoder_as_timm_saves_it(describe: Describe, tmp_path: Path, encoder: str, timms: str) -> None:
    """Timm's weights under timm's names make an encoder answer as timm's network does."""
    theirs = shaken(timm.create_model(timms, pretrained=False))
    file = save(theirs.state_dict(), tmp_path / "timm.safetensors")
    options = {"encoder": encoder}
    ours = encoder_of(build(describe("unet", "segmentation", channels=3, options=options, weights=file), BINARY).eval())
    assert ours is not None
    frames = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        last = ours(frames)[-1]
        if encoder == "efficientnet-b0":  # its encoder stops before the last convolution
            last = nn.functional.silu(ours.get_submodule("_bn1")(ours.get_submodule("_conv_head")(last)))
        torch.testing.assert_close(last, theirs.forward_features(frames), rtol=1e-3, atol=1e-5)


def test_files_that_are_none(describe: Describe, tmp_path: Path) -> None:
    """A missing file, a broken one and one without tensors are told by name, with what to give instead."""
    (tmp_path / "noise.pt").write_bytes(b"no weights")
    (tmp_path / "noise.safetensors").write_bytes(b"no weights")
    torch.save({"epoch": 3}, tmp_path / "bare.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    sentences = {
        "none.pt": "There is no file .*none.pt; correct network.weights",
        **dict.fromkeys(
            ("noise.pt", "noise.safetensors", "bare.pt", "list.pt"), "cannot be read as weights; give a .pt"
        ),
    }
    for name, sentence in sentences.items():
        with pytest.raises(InvalidExperiment, match=sentence) as caught:
            build(describe("improved_cnn", "classification", weights=tmp_path / name), BINARY)
        assert name in caught.value.message


def test_weights_of_other_widths(describe: Describe, tmp_path: Path) -> None:
    """A file of the same architecture with other options is refused: its name, how many keys fit and what lacks."""
    narrow = build(describe("custom_unet", "segmentation", options={"filters": [4, 4, 8, 8, 8]}), BINARY)
    file = save(narrow.state_dict(), tmp_path / "narrow.pt")
    with pytest.raises(
        InvalidExperiment, match=r"narrow.pt does not fit custom_unet: \d+ of its \d+ keys do, but it lacks"
    ):
        build(describe("custom_unet", "segmentation", weights=file), BINARY)


def test_a_deeper_encoder_is_not_cut(describe: Describe, tmp_path: Path) -> None:
    """ResNet-101 holds every key of ResNet-50 in its size; it is refused nevertheless."""
    with torch.device("meta"):
        deeper = timm.create_model("resnet101", pretrained=False).state_dict()
    file = save({key: torch.zeros(()).expand(value.shape) for key, value in deeper.items()}, tmp_path / "resnet101.pt")
    experiment = describe("deeplabv3plus", "segmentation", channels=3, options={"encoder": "resnet50"}, weights=file)
    with pytest.raises(InvalidExperiment, match=r"but it has no place for layer3\.6\.conv1\.weight"):
        build(experiment, BINARY)
