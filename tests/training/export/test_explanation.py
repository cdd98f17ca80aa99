"""The explanation in an exported graph beside the one that torch's own gradients give."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from pydantic import JsonValue
from support import tiny_training
from support.exported import Exported, ExportedArchitectures, Use
from support.publishing import config, published, run_of
from torch import Tensor, nn

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.recipe import Precision, TensorInput
from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.leather import LeatherCnn
from flawgate_training.architectures.networks import Classifier
from flawgate_training.architectures.registry import ARCHITECTURES, cam_layer
from flawgate_training.explain import explained, grad_cam
from flawgate_training.export import graphs
from flawgate_training.export.explanation import ExplainedProbabilities, can_be_explained
from flawgate_training.export.parity import TOLERANCES
from flawgate_training.runs import Run

TOLERANCE = 1e-4
"""Largest difference of a pixel in float32; what was seen is 1e-5 at most."""

CLASSIFIERS = tuple(sorted(name for name, of in ARCHITECTURES.items() if "classification" in of.tasks))
VARIANTS: Sequence[tuple[str, dict[str, JsonValue]]] = (
    *((name, {}) for name in CLASSIFIERS),
    ("leather_cnn", {"pooling": "global"}),
)


def network_of(name: str, options: dict[str, JsonValue], outputs: int, height: int, width: int) -> Classifier:
    """Random weights; of two frames at least one is seen to be of each of several classes."""
    torch.manual_seed(outputs)
    of = ARCHITECTURES[name]
    wanted = Wanted("classification", 1, height, width, outputs)
    network = of.build(wanted, of.options.model_validate(options)).eval()
    assert isinstance(network, Classifier)
    return network


def noise(height: int, width: int) -> Tensor:
    """Four grey frames, uint8: noise, bright and dark, and one that is even but for a corner."""
    frames = torch.randint(0, 256, (4, 1, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    frames[1] //= 4
    frames[2:] = 200
    frames[2:, :, : height // 4, : width // 3] = 20
    return frames


def by_gradients(network: Classifier, frames: Tensor, probabilities: Tensor) -> Tensor:
    """What `explain.explained` says of the class answered about each frame, (N, H, W)."""
    pairs = zip(frames, probabilities.argmax(dim=1).tolist(), strict=True)
    return torch.cat([explained(network, cam_layer(network), frame[None], target) for frame, target in pairs])


def spread(explanation: Tensor, size: Sequence[int]) -> Tensor:
    """(N, h, w) → (N, H, W), each from 0 to 1 again, as `explain.explained` stretches it."""
    cam = nn.functional.interpolate(explanation[:, None], tuple(size), mode="bilinear", align_corners=False)[:, 0]
    cam = cam - cam.amin(dim=(1, 2), keepdim=True)
    return cam / cam.amax(dim=(1, 2), keepdim=True).clamp_min(1e-7)


@pytest.mark.parametrize("size", [(64, 88), (79, 70)], ids=str)
@pytest.mark.parametrize("outputs", [1, 2, 5])
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_gradient_is_torchs_own(
    name: str, options: dict[str, JsonValue], outputs: int, size: tuple[int, int]
) -> None:
    """Of every classifier, for one class and several, for sides that pooling divides and such that it does not."""
    network, frames = network_of(name, options, outputs, *size), noise(*size)
    with torch.no_grad():
        probabilities, explanation = ExplainedProbabilities(network)(frames)
        expected = network(frames)
    torch.testing.assert_close(probabilities, expected.sigmoid() if outputs == 1 else expected.softmax(dim=1))
    wanted = by_gradients(network, frames, probabilities)
    torch.testing.assert_close(spread(explanation, size), wanted, rtol=0, atol=TOLERANCE)
    assert float(explanation.min()) == 0.0
    assert float(explanation.max()) == 1.0


@pytest.mark.parametrize("use", [Use(name, "classification", options) for name, options in VARIANTS[:-1]], ids=str)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_file_says_what_torch_says(
    exported_architectures: ExportedArchitectures, use: Use, precision: Precision
) -> None:
    """In ONNX Runtime, for one frame and for several at once, in the resolution of the network's last maps."""
    exported = exported_architectures(use, precision)
    frames = use.frames(4, seed=11)
    expected = torch.from_numpy(exported.trained.answers(frames)["explanation"])
    assert expected.shape == (4, use.shown.height, use.shown.width)
    for batch in (1, 4):
        found = torch.from_numpy(exported.models.answers(frames[:batch])["explanation"])
        assert found.shape[1] < use.shown.height
        apart = (spread(found, expected.shape[1:]) - expected[:batch]).abs()
        assert float(apart.mean(dim=(1, 2)).max()) <= TOLERANCES[precision].explanation
        if precision == "fp32":
            assert float(apart.max()) <= TOLERANCE


def speaking_against() -> Classifier:
    """A network whose score grows with the brightest place, and falls more with the mean: paper e's, by hand."""
    body = LeatherCnn(1, 34, 34, 1, "global")
    first, last = body.decision.get_submodule("1"), body.decision.get_submodule("4")
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        first.weight.zero_()
        first.weight[0, :64], first.weight[0, 64:] = 1.0, -2.0
        first.bias.fill_(100.0)
        last.weight.zero_()
        last.weight[0, 0] = 1.0
    return Classifier(body).eval()


def test_where_grad_cam_is_silent_hires_cam_explains() -> None:
    """As `explain.explained` does: the mean gradient speaks against the class, the gradient at one place for it."""
    torch.manual_seed(0)
    network, frames = speaking_against(), noise(34, 34)
    assert not grad_cam(network, cam_layer(network), frames, 0).any()
    with torch.no_grad():
        probabilities, explanation = ExplainedProbabilities(network)(frames)
    wanted = by_gradients(network, frames, probabilities)
    assert float(wanted.amax(dim=(1, 2)).min()) == 1.0
    torch.testing.assert_close(spread(explanation, (34, 34)), wanted, rtol=0, atol=TOLERANCE)


def test_where_nothing_speaks_for_the_class_nothing_is_shown() -> None:
    """A network that does not look at the frame is explained by a map of zeros, not by noise stretched to 1."""
    network = speaking_against()
    last = network.body.get_submodule("decision.4")
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        _, explanation = ExplainedProbabilities(network)(noise(34, 34))
    assert not explanation.any()


def test_a_network_that_nobody_listed_is_exported_without(tmp_path: Path) -> None:
    """Its file gives the probabilities alone, as all did before."""
    network = tiny_training.build(tiny_training.experiment("classification"), tiny_training.CLASSES).eval()
    shown = TensorInput(channels=1, height=32, width=32)
    assert not can_be_explained(network)
    (written,) = graphs.write(network, "classification", shown, tmp_path)
    assert [tensor.name for tensor in written.outputs] == ["probabilities"]


@pytest.mark.parametrize(
    "layer", [nn.MaxPool2d(3, stride=2), nn.MaxPool2d(2, padding=1), nn.GELU()], ids=lambda layer: str(layer)[:13]
)
def test_an_unknown_layer_is_not_guessed_at(layer: nn.Module) -> None:
    """A head with a layer whose gradient is not written out is not explained."""
    network = network_of("leather_cnn", {"pooling": "global"}, 1, 64, 64)
    assert can_be_explained(network)
    network.body.get_submodule("features.2").register_module("2", layer)
    assert not can_be_explained(network)


def test_an_explanation_can_be_left_out(tmp_path: Path) -> None:
    """Then the file is the same as before there were any."""
    network = network_of("leather_cnn", {}, 1, 64, 64)
    shown = TensorInput(channels=1, height=64, width=64)
    (written,) = graphs.write(network, "classification", shown, tmp_path, form=graphs.Form(explained=False))
    assert [tensor.name for tensor in written.outputs] == ["probabilities"]
    assert {"ArgMax", "ReduceMin"}.isdisjoint(node.op_type for node in onnx.load(written.path).graph.node)


def test_int8_leaves_the_gradient_in_float(exported_architectures: ExportedArchitectures) -> None:
    """Only convolutions and the layers of the forward run are rounded; the file still explains itself."""
    exported: Exported = exported_architectures(Use("improved_cnn", "classification", {}), "int8")
    frames = exported.use.frames(2, seed=11)
    session = onnxruntime.InferenceSession(exported.written[0].path, providers=["CPUExecutionProvider"])
    (explanation,) = session.run(["explanation"], {"frame": frames})
    assert (explanation.dtype, explanation.shape[0]) == (np.float32, 2)
    assert [float(plane.max()) for plane in explanation] == [1.0, 1.0]
    products = [node for node in onnx.load(exported.written[0].path).graph.node if node.op_type == "MatMul"]
    makers = {name: node.op_type for node in onnx.load(exported.written[0].path).graph.node for name in node.output}
    assert products
    assert "DequantizeLinear" not in {makers.get(name) for node in products for name in node.input}


def leather(*, seed: int = 1) -> Run:
    """A classifier that can be explained, as after training."""
    of = ARCHITECTURES["leather_cnn"]
    torch.manual_seed(seed)
    network = of.build(Wanted("classification", 1, 32, 32, 1), of.options()).eval()
    return replace(run_of("classification"), network=network)


def outputs(folder: Path) -> set[str]:
    """Of a model and of its ensemble, as Triton is told."""
    configurations = (config(folder / name / "config.pbtxt") for name in ("tiny", "tiny_cls"))
    return {tensor.name for each in configurations for tensor in each.output}


def test_a_classification_comes_with_its_explanation(tmp_path: Path) -> None:
    """Its file, its configuration and its recipe say so, and the gate has compared it; the next version has it too."""
    found = [published(leather(seed=seed), tmp_path).card for seed in (1, 2)]
    assert [card.recipe.explained for card in found] == [True, True]
    assert outputs(tmp_path) == {"probabilities", "explanation"}
    for card in found:
        assert card.parity.largest_explanation_difference is not None
        assert card.parity.largest_explanation_difference <= card.parity.tolerance.explanation


def test_a_recipe_without_explanations_goes_on_without(tmp_path: Path) -> None:
    """Triton keeps one configuration for all versions, so what the first lacks, later ones leave out."""
    published(run_of("classification"), tmp_path)
    second = published(leather(), tmp_path).card
    assert (second.recipe.version, second.recipe.explained) == ("2", False)
    assert second.parity.largest_explanation_difference is None
    assert outputs(tmp_path) == {"probabilities"}


def test_a_version_that_cannot_be_explained_is_refused_where_the_others_are(tmp_path: Path) -> None:
    """Triton would not load it: its configuration names an output that the file lacks."""
    published(leather(), tmp_path)
    with pytest.raises(InvalidParameter, match="its explained is False, that of version 1 is True"):
        published(run_of("classification"), tmp_path)
