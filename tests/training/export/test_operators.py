import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper, parser

from flawgate_contracts.recipe import Precision, TensorInput
from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.export import graphs
from flawgate_training.export.operators import unsupported

MAP = "float[batch, 1, 8, 8]"
LITTLE = TensorInput(channels=1, height=64, width=64)


def model(
    body: str, *, given: str = f"{MAP} x", answer: str = f"{MAP} y", constants: str = "", opset: int = 18
) -> onnx.ModelProto:
    """A model of a few nodes, in ONNX's text format."""
    graph = parser.parse_graph(f"model ({given}) => ({answer}) <{constants}> {{ {body} }}")
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def test_a_plain_model_has_no_fault() -> None:
    """Pixels come in as UINT8, are cast at once, and all else is float."""
    plain = model(
        "unit = Cast<to = 1>(x)  pooled = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(unit)  y = Relu(pooled)",
        given="uint8[batch, 1, 8, 8] x",
    )
    assert unsupported(plain) == ()


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        (model("y = Swish(x)", opset=24), "Swish: not among the operators that TensorRT supports."),
        (model("y = Det(x)"), "Det: not among the operators that TensorRT supports."),
        (
            model("y = com.microsoft.FusedConv(x, x)"),
            "com.microsoft.FusedConv: no operator of ONNX itself; TensorRT would need a plug-in.",
        ),
        (model("y = Relu(x)", opset=8), "Opset 8: TensorRT reads opsets 9 to 24."),
        (
            model("h = Cast<to = 16>(x)  r = Relu(h)  y = Cast<to = 1>(r)"),
            "Type BF16: Turing does not compute with it.",
        ),
        (
            model("y = Relu(x)", given="double[batch, 1, 8, 8] x", answer="double[batch, 1, 8, 8] y"),
            "Type DOUBLE: Turing does not compute with it.",
        ),
        (
            model("z = Identity(x)  y = Cast<to = 1>(z)", given="uint8[batch, 1, 8, 8] x"),
            "Identity: takes or gives UINT8, which TensorRT knows only at the border; cast it first.",
        ),
        (
            model("y = Relu(x)", given="bool[batch, 1, 8, 8] x", answer="bool[batch, 1, 8, 8] y"),
            "Relu: takes BOOL; TensorRT: FP32, FP16, BF16, INT32, INT64.",
        ),
        (
            model('y = Resize<mode = "cubic">(x, , scales)', constants="float[4] scales = {1, 1, 1, 1}"),
            "Resize: its mode is cubic; TensorRT: linear, nearest.",
        ),
        (
            model(
                'y = Resize<mode = "linear", antialias = 1>(x, , scales)', constants="float[4] scales = {1, 1, 1, 1}"
            ),
            "Resize: it smooths (antialias), which TensorRT does not.",
        ),
        (
            model("y = MaxPool<kernel_shape = [3, 3], pads = [2, 2, 2, 2], dilations = [2, 2]>(x)"),
            "MaxPool: it is dilated.",
        ),
        (
            model("y, i = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x)"),
            "MaxPool: it gives indices.",
        ),
        (
            model("y = MaxPool<kernel_shape = [3]>(x)", given="float[batch, 1, 8] x", answer="float[batch, 1, 6] y"),
            "MaxPool: it is neither 2D nor 3D.",
        ),
        (
            model("axes = Shape(x)  y = ReduceMean(x, axes)", answer="float y"),
            "ReduceMean: its axes are computed.",
        ),
        (
            model(
                "q = QuantizeLinear(x, scale, zero)  y = DequantizeLinear(q, scale, zero)",
                constants="float scale = {0.1}, int8 zero = {3}",
            ),
            "QuantizeLinear: its zero point is not zero.",
        ),
    ],
)
def test_what_is_planted_is_found(planted: onnx.ModelProto, fault: str) -> None:
    """Operators, types and attributes that TensorRT would stumble over are named, with the reason."""
    assert fault in unsupported(planted)


def test_symmetric_quantisation_is_taken() -> None:
    """INT8 comes by QuantizeLinear and DequantizeLinear with zero points of zero, in Constant nodes too."""
    quantised = model(
        "q = QuantizeLinear(x, scale, zero)  y = DequantizeLinear(q, scale, zero)", constants="float scale = {0.1}"
    )
    zero = numpy_helper.from_array(np.array(0, np.int8), "zero")
    quantised.graph.node.insert(0, helper.make_node("Constant", [], ["zero"], value=zero))
    assert unsupported(quantised) == ()


def test_each_fault_is_said_once() -> None:
    """A hundred nodes of one operator are one sentence."""
    body = "a = Det(x)  b = Det(x)  y = Relu(x)"
    assert unsupported(model(body)) == ("Det: not among the operators that TensorRT supports.",)


def test_the_list_is_whole() -> None:
    """It names its source, and no operator is both supported and refused."""
    published = json.loads(files("flawgate_training.export").joinpath("tensorrt_operators.json").read_text("utf-8"))
    assert (published["source"]["repository"], published["source"]["path"]) == (
        "onnx/onnx-tensorrt",
        "docs/operators.md",
    )
    assert (len(published["operators"]), len(published["refused"])) == (158, 42)
    assert not set(published["operators"]) & set(published["refused"])


@pytest.mark.parametrize(
    ("name", "precision"), [("leather_cnn", "fp32"), ("convolutional_autoencoder", "fp16"), ("leather_cnn", "int8")]
)
def test_exported_networks_are_taken(name: str, precision: Precision, tmp_path: Path) -> None:
    """In each precision; `make export-all` asks the same of every network."""
    architecture = ARCHITECTURES[name]
    kind = architecture.tasks[0]
    torch.manual_seed(0)
    network = architecture.build(Wanted(kind, 1, 64, 64, 1), architecture.options()).eval()
    frames = [np.random.default_rng(seed).integers(0, 255, (64, 64), np.uint8) for seed in range(2)]
    written = graphs.write(network, kind, LITTLE, tmp_path, form=graphs.Form(precision), calibration=frames)
    models = [onnx.load(each.path) for each in written]
    assert [unsupported(each) for each in models] == [()] * len(models)
    types = {tensor.data_type for each in models for tensor in each.graph.initializer}
    expected = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16, "int8": TensorProto.INT8}
    assert expected[precision] in types
