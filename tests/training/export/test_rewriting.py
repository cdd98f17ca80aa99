import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper, parser
from torch import nn

from flawgate_training.architectures.blocks import Activation, Bottleneck
from flawgate_training.architectures.commutator import ClassificationNetwork
from flawgate_training.export.folding import fold
from flawgate_training.export.rewriting import rewrite

Array = npt.NDArray[np.float32]

PARTS = "a = Relu (x) b = Tanh (x)"
"""Two maps of four channels each."""


@pytest.fixture(autouse=True)
def same_weights() -> None:
    """Every test draws the same numbers."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


def weights(*shape: int) -> Array:
    """Random weights of a shape."""
    return torch.randn(shape).numpy()


def graph(nodes: str, constants: Mapping[str, npt.NDArray[Any]], answer: str = "N, C, H, W") -> onnx.ModelProto:
    """A model of `x`, (batch, 4, 6, 5), with these nodes, which answers `y`; with all shapes, as when exported."""
    head = f'<ir_version: 9, opset_import: ["" : 18]> g (float[batch, 4, 6, 5] x) => (float[{answer}] y)'
    model = parser.parse_model(f"{head} {{ {nodes} }}")
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    return onnx.shape_inference.infer_shapes(model)


def exported(module: nn.Module, shape: tuple[int, ...]) -> onnx.ModelProto:
    """A module as the exporter writes it, of a free batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            fold(module),
            (torch.zeros(shape),),
            dynamo=True,
            opset_version=18,
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def operators(model: onnx.ModelProto) -> Counter[str]:
    """How often each operator stands in a graph."""
    return Counter(node.op_type for node in model.graph.node)


def run(model: onnx.ModelProto, given: Array) -> list[Array]:
    """What ONNX Runtime answers, its own rewriting off."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answers: list[Array] = session.run(None, {"x": given})
    return answers


def assert_same(model: onnx.ModelProto, rewritten: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    """Both are valid, have the same inputs and outputs, and give answers within 1e-5 of the largest."""
    onnx.checker.check_model(rewritten, full_check=True)
    for ours, theirs in ((rewritten.graph.input, model.graph.input), (rewritten.graph.output, model.graph.output)):
        assert [value.name for value in ours] == [value.name for value in theirs]
    for batch in (1, 3):
        given = weights(batch, *shape)
        for expected, actual in zip(run(model, given), run(rewritten, given), strict=True):
            assert np.abs(expected - actual).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("inputs", "outputs", "stride", "excite", "kind"),
    [(8, 8, 1, 0, "relu6"), (8, 12, 2, 1, "hardswish"), (8, 8, 1, 1, "relu6")],
)
def test_a_bottleneck_of_paper_d_concatenates_no_map(
    inputs: int, outputs: int, stride: int, excite: int, kind: Activation
) -> None:
    """Its eight paths are activated and weighed each for itself and added up; its answers stay."""
    bottleneck = Bottleneck(inputs, outputs, stride=stride, excite=bool(excite), kind=kind)
    model = exported(nn.Sequential(bottleneck, nn.Tanh()).eval(), (2, inputs, 16, 12))
    rewritten = rewrite(model, target="cpu")
    assert operators(model)["Conv"] == 9 + 2 * excite
    assert operators(rewritten)["Conv"] == 16 + 2 * excite
    assert operators(rewritten)["Clip" if kind == "relu6" else "HardSwish"] == 8
    assert operators(rewritten)["Concat"] == excite  # of the means, for the squeeze-excitation
    assert operators(rewritten)["Add"] == 7 + (inputs == outputs)
    assert_same(model, rewritten, (inputs, 16, 12))


def test_the_classification_of_paper_d_takes_features_and_map_apart() -> None:
    """Its first step sees 144 features and one map of logits without their concatenation; its answers stay."""
    model = exported(ClassificationNetwork().eval(), (2, 145, 16, 8))
    rewritten = rewrite(model, target="cpu")
    groups = [attribute.i for node in rewritten.graph.node for attribute in node.attribute if attribute.name == "group"]
    assert 144 in groups
    assert 145 not in groups
    assert_same(model, rewritten, (145, 16, 8))


@pytest.mark.parametrize(
    "nodes",
    [
        "c = Concat <axis=1> (a, b) y = Conv (c, pointwise, bias)",
        "c = Concat <axis=1> (a, b) y = Conv <strides=[2, 2]> (c, pointwise)",
        "c = Concat <axis=1> (a, b) d = Conv <group=8, pads=[1, 1, 1, 1]> (c, depthwise, bias) y = Conv (d, pointwise)",
        "c = Concat <axis=1> (a, b) d = Clip (c, low, high) y = Conv (d, pointwise, bias)",
        "c = Concat <axis=1> (a, b) d = Mul (c, gate) y = Conv (d, pointwise)",
        "c = Concat <axis=1> (a, b) d = Mul (gate, c) y = Conv (d, pointwise)",
        "c = Concat <axis=1> (a, b) m = GlobalAveragePool (c) d = Mul (c, m) y = Conv (d, pointwise)",
        "c = Concat <axis=1> (a, b) m = ReduceMean (c, axes) d = Mul (c, m) y = Conv (d, pointwise)",
        "c = Concat <axis=1> (a, b) d = Conv (c, pointwise) e = Conv (c, pointwise, bias) y = Mul (d, e)",
        "c = Concat <axis=1> (a, b) e = Concat <axis=1> (a, c) d = Conv (c, dense) f = Conv (e, wide) y = Add (d, f)",
        "c = Concat <axis=1> (a, b, x) d = Conv (c, wide, bias) e = Conv (a, narrow) y = Add (e, d)",
        "c = Concat <axis=1> (a, b) d = Conv (c, pointwise, bias) e = Conv (d, pointwise) y = Add (e, d)",
    ],
)
def test_what_follows_a_concatenation_is_computed_on_its_parts(nodes: str) -> None:
    """Whatever mixture of these operators follows, the answers stay."""
    constants: dict[str, npt.NDArray[Any]] = {
        "dense": weights(8, 8, 1, 1),
        "pointwise": weights(8, 8, 1, 1),
        "wide": weights(8, 12, 1, 1),
        "narrow": weights(8, 4, 1, 1),
        "depthwise": weights(8, 1, 3, 3),
        "bias": weights(8),
        "gate": weights(1, 8, 1, 1),
        "low": np.array(0.1, np.float32),
        "high": np.array(0.4, np.float32),
        "axes": np.array([2, 3], np.int64),
    }
    used = {name: array for name, array in constants.items() if name in nodes}
    model = graph(f"{PARTS} {nodes.replace('y = ', 'z = ')} y = Neg (z)", used)
    rewritten = rewrite(model, target="cpu")
    assert operators(rewritten) != operators(model)
    assert_same(model, rewritten, (4, 6, 5))


@pytest.mark.parametrize(
    ("nodes", "answer"),
    [
        ("y = Concat <axis=1> (a, b)", "batch, 8, 6, 5"),
        ("c = Concat <axis=2> (a, b) d = Relu (c) y = Neg (d)", "batch, 4, 12, 5"),
        ("c = Concat <axis=1> (a, b) d = Conv (c, square) y = Neg (d)", "batch, 8, 4, 3"),
        ("c = Concat <axis=1> (a, b) d = Conv <group=2> (c, grouped) y = Neg (d)", "batch, 8, 6, 5"),
        ("c = Concat <axis=1> (a, b) d = Relu (c) e = Abs (c) y = Add (d, e)", "batch, 8, 6, 5"),
        ("c = Concat <axis=1> (a, b) d = Mul (c, shade) y = Neg (d)", "batch, 8, 6, 5"),
        ("c = Concat <axis=1> (a, b) d = ReduceMean (c, axes) y = Neg (d)", "batch, 1, 1, 1"),
        ("c = Concat <axis=1> (a, b) d = Mul (c, c) y = Neg (d)", "batch, 8, 6, 5"),
        ("m = GlobalAveragePool (a) n = GlobalAveragePool (b) c = Concat <axis=1> (m, n) d = Relu (c) y = Neg (d)", ""),
        ("c = Concat <axis=1> (a, b) d = Clip (c, top) y = Neg (d)", "batch, 8, 6, 5"),
    ],
)
def test_a_concatenation_that_somebody_needs_whole_stays(nodes: str, answer: str) -> None:
    """Where an output, or one follower of several, takes it as a whole, nothing is rewritten."""
    constants: dict[str, npt.NDArray[Any]] = {
        "square": weights(8, 8, 3, 3),
        "grouped": weights(8, 4, 1, 1),
        "shade": weights(1, 1, 1, 1),
        "axes": np.array([1, 2, 3], np.int64),
    }
    used = {name: array for name, array in constants.items() if name in nodes}
    extra = "top = ReduceMax <keepdims=0> (a)" if "top" in nodes else ""
    model = graph(f"{PARTS} {extra} {nodes}", used, answer or "batch, 8, 1, 1")
    rewritten = rewrite(model, target="cpu")
    assert operators(rewritten) == operators(model)
    assert_same(model, rewritten, (4, 6, 5))


@pytest.mark.parametrize(("target", "kept"), [("cpu", 0), ("gpu", 1)])
def test_what_does_nothing_goes_for_every_target(target: Literal["cpu", "gpu"], kept: int) -> None:
    """Identities, unused nodes and arithmetic of constants go; a GPU keeps its concatenation."""
    nodes = (
        "i = Identity (a) unused = Sqrt (a) both = Add (one, one) s = Mul (i, both) c = Concat <axis=1> (s, b) "
        "d = Relu (c) y = Neg (d)"
    )
    model = graph(f"{PARTS} {nodes}", {"one": np.array(1, np.float32)}, "batch, 8, 6, 5")
    rewritten = rewrite(model, target=target)
    wanted = {"Relu": 1 + (1 if kept else 2), "Tanh": 1, "Mul": 1, "Concat": 1, "Neg": 1}
    assert operators(rewritten) == wanted
    assert_same(model, rewritten, (4, 6, 5))


def test_half_precision_stays_half_precision() -> None:
    """New weights have the type of the old ones."""
    nodes = "h = Cast <to=10> (a) k = Cast <to=10> (b) c = Concat <axis=1> (h, k) d = Conv (c, w) y = Cast <to=1> (d)"
    model = graph(f"{PARTS} {nodes}", {"w": weights(8, 8, 1, 1).astype(np.float16)}, "batch, 8, 6, 5")
    rewritten = rewrite(model, target="cpu")
    assert {tensor.data_type for tensor in rewritten.graph.initializer} == {onnx.TensorProto.FLOAT16}
    assert operators(rewritten)["Concat"] == 0
    onnx.checker.check_model(rewritten, full_check=True)


def test_the_model_itself_is_left_as_it_is() -> None:
    """Rewriting gives another model."""
    model = graph(f"{PARTS} c = Concat <axis=1> (a, b) d = Conv (c, w) y = Neg (d)", {"w": weights(8, 8, 1, 1)})
    before = model.SerializeToString()
    rewrite(model, target="cpu")
    assert before == model.SerializeToString()
