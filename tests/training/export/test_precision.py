from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from support.exported import USES, ExportedArchitectures, Use

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.kinds import ANSWERS
from flawgate_contracts.recipe import TensorInput
from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.export import graphs
from flawgate_training.export.float_layers import WEIGHTED, kept_in_float
from flawgate_training.export.parity import TOLERANCES
from flawgate_training.export.precision import halved

ONE_OF_A_FAMILY = [
    Use("deeplabv3plus", "segmentation", {"encoder": "mobilenet_v2"}),
    Use("custom_unet", "anomaly", {}),
    Use("convolutional_autoencoder", "segmentation", {}),
    Use("improved_cnn", "classification", {}),
    Use("commutator_two_stage", "cascade", {}),
    Use("leather_cnn", "classification", {}),
]


def use(name: str) -> Use:
    """One of all uses, by its name."""
    return next(each for each in USES if str(each) == name)


@pytest.mark.parametrize("of", ONE_OF_A_FAMILY, ids=str)
def test_half_precision(exported_architectures: ExportedArchitectures, of: Use) -> None:
    """In float16 a file is half as large, runs in ONNX Runtime, and answers within the tolerance, as float32."""
    exported = exported_architectures(of, "fp16")
    frames = of.frames(3, seed=7)
    expected, actual = exported.trained.answers(frames), exported.models.answers(frames)
    for name in ANSWERS[of.task]:
        assert actual[name].dtype == np.float32
        np.testing.assert_allclose(actual[name], expected[name], atol=TOLERANCES["fp16"].score)
    first = onnx.load(exported.written[0].path)
    types = {tensor.data_type for tensor in first.graph.initializer if len(tensor.dims) == 4}
    assert types == {TensorProto.FLOAT16}


def test_frames_are_normalised_in_float32() -> None:
    """Half precision begins after the normalisation, whose numbers are not rounded."""
    of = ONE_OF_A_FAMILY[1]
    network = of.network()
    half = halved(network)
    assert half.get_submodule("normalise").get_buffer("divisor").dtype == torch.float32
    assert {value.dtype for value in half.parameters()} == {torch.float16}
    assert {value.dtype for value in network.parameters()} == {torch.float32}


def test_means_of_large_maps_fit_into_half_precision(tmp_path: Path) -> None:
    """A mean is taken in float32, where the sum over a large map would pass the largest float16."""
    wanted = Wanted("classification", 1, 64, 64, 2)
    architecture = ARCHITECTURES["resnet18"]
    network = architecture.build(wanted, architecture.options()).eval()
    shown = TensorInput(channels=1, height=64, width=64)
    (written,) = graphs.write(network, "classification", shown, tmp_path, form=graphs.Form("fp16", explained=False))
    graph = onnx.load(written.path).graph
    makers = {name: node for node in graph.node for name in node.output}
    means = [node for node in graph.node if node.op_type in ("ReduceMean", "GlobalAveragePool")]
    assert len(means) == 1
    assert [makers[mean.input[0]].op_type for mean in means] == ["Cast"]
    assert [attribute.i for attribute in makers[means[0].input[0]].attribute] == [TensorProto.FLOAT]


@pytest.mark.parametrize(
    ("name", "kept", "weighted"),
    [
        # The stem; eight depthwise paths in each of nine blocks; six gates of two layers each; the head.
        ("commutator_two_stage-cascade", 1 + 9 * 8 + 6 * 2 + 1, 95),
        # The stem; sixteen depthwise layers; sixteen gates of two layers each; the linear layer behind the mean.
        ("efficientnet_b0-classification", 1 + 16 + 16 * 2 + 1, 82),
        # The stem; the linear layer behind the mean.
        ("resnet18-classification", 1 + 1, 21),
        # The head, and the first layer: the frame goes around the network, too, but its last stage is not its first.
        ("custom_unet-segmentation", 1 + 1, 23),
    ],
)
def test_what_stays_in_float(tmp_path: Path, name: str, kept: int, weighted: int) -> None:
    """First, last and depthwise layers and gates of channels stay in float; all others are quantised."""
    of = use(name)
    graphs.write(of.network(), of.task, of.shown, tmp_path, form=graphs.Form(target="gpu"))
    model = onnx.load(next(tmp_path.glob("seg.onnx"), tmp_path / "cls.onnx"))
    found = kept_in_float(model)
    nodes = {node.name: node for node in model.graph.node if node.op_type in WEIGHTED}
    assert (len(found), len(nodes)) == (kept, weighted)
    assert found <= nodes.keys()
    assert {next(iter(nodes)), next(reversed(nodes))} <= found


@pytest.mark.parametrize("of", [ONE_OF_A_FAMILY[1], ONE_OF_A_FAMILY[3], ONE_OF_A_FAMILY[4]], ids=str)
def test_int8(exported_architectures: ExportedArchitectures, of: Use) -> None:
    """In int8, weights have a scale a channel, numbers lie symmetric about 0, and what comes out is float32."""
    exported = exported_architectures(of, "int8")
    frames = of.frames(3, seed=7)
    expected, actual = exported.trained.answers(frames), exported.models.answers(frames)
    for name in ANSWERS[of.task]:
        assert actual[name].dtype == np.float32
        np.testing.assert_allclose(actual[name], expected[name], atol=0.2)
    for each in exported.written:
        _check_quantised(onnx.load(each.path))


def _check_quantised(model: onnx.ModelProto) -> None:
    """Every weighted node takes int8 numbers unless it is one of those that stay in float."""
    makers = {name: node for node in model.graph.node for name in node.output}
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    quantised = [
        node
        for node in model.graph.node
        if node.op_type in WEIGHTED and makers.get(node.input[1], node).op_type == "DequantizeLinear"
    ]
    weighted = [node for node in model.graph.node if node.op_type in WEIGHTED]
    assert 0 < len(quantised) < len(weighted)
    for node in quantised:
        source, weight = (makers[name] for name in node.input[:2])
        assert source.op_type == "DequantizeLinear"
        channels = node.op_type == "ConvTranspose"
        assert constants[weight.input[1]].size == constants[weight.input[0]].shape[int(channels)]
        for scaled in (source, weight):
            zero = constants[scaled.input[2]]
            assert zero.dtype == np.int8
            assert not zero.any()


def test_int8_leaves_nothing_behind(tmp_path: Path, exported_architectures: ExportedArchitectures) -> None:
    """Beside its file, quantising leaves no other, and the file tells of no machine."""
    exported = exported_architectures(ONE_OF_A_FAMILY[3], "int8")
    (written,) = exported.written
    assert [path.name for path in written.path.parent.iterdir()] == ["cls.onnx"]
    content = written.path.read_bytes()
    for word in (str(Path(__file__).parents[3]), "site-packages", "ort.quant", "/tmp"):  # noqa: S108 - must not be there
        assert word.encode() not in content


@pytest.mark.parametrize("frames", [None, []])
def test_int8_needs_frames(tmp_path: Path, frames: list[np.ndarray] | None) -> None:
    """Ranges are learned from frames, never guessed: without any, int8 is refused before anything is written."""
    shown = TensorInput(channels=1, height=64, width=64)
    with pytest.raises(InvalidParameter, match="int8 needs training frames to learn the ranges of its numbers from"):
        graphs.write(TwoStageNetwork(), "cascade", shown, tmp_path, form=graphs.Form("int8"), calibration=frames)
    assert list(tmp_path.iterdir()) == []


def test_int8_needs_frames_of_its_size(tmp_path: Path) -> None:
    """Frames of another shape, as those of which tiles are cut, are refused."""
    shown = TensorInput(channels=1, height=64, width=64)
    wide = [np.zeros((64, 128), np.uint8)]
    with pytest.raises(InvalidParameter, match=r"is of shape \(64, 128\), but the model takes \(1, 64, 64\)"):
        graphs.write(TwoStageNetwork(), "cascade", shown, tmp_path, form=graphs.Form("int8"), calibration=wide)


def test_a_cascade_is_calibrated_on_its_own_features(exported_architectures: ExportedArchitectures) -> None:
    """The classification's ranges hold the features that the segmentation gives, not noise of ours."""
    exported = exported_architectures(ONE_OF_A_FAMILY[4], "int8")
    fp32 = exported_architectures(ONE_OF_A_FAMILY[4])
    session = onnxruntime.InferenceSession(fp32.written[0].path, providers=["CPUExecutionProvider"])
    (features,) = session.run(["features"], {"frame": exported.use.frames(8)})
    model = onnx.load(exported.written[1].path)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    scales = [float(constants[node.input[1]]) for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert 0 < max(scales) * 127 <= 1000 * float(np.abs(features).max())
