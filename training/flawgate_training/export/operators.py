"""Which operators of an ONNX file TensorRT would not take, or Turing not compute: found without a GPU.

The list is TensorRT's own, for its ONNX parser (tensorrt_operators.json names its source); the build on the GPU's own
machine has the last word. Turing (RTX 2080 Ti, compute capability 7.5) computes with FP32, FP16 and INT8, never with
BF16, FP8 or FP4. UINT8 exists only at a network's border: the frame comes in so, and a Cast must take it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import onnx
from onnx import TensorProto, helper, numpy_helper

_Shown = TensorProto.DataType.Name

TYPES: Mapping[int, str] = {
    TensorProto.FLOAT: "FP32",
    TensorProto.FLOAT16: "FP16",
    TensorProto.BFLOAT16: "BF16",
    TensorProto.FLOAT8E4M3FN: "FP8",
    TensorProto.FLOAT4E2M1: "FP4",
    TensorProto.INT4: "INT4",
    TensorProto.INT8: "INT8",
    TensorProto.UINT8: "UINT8",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.BOOL: "BOOL",
}
"""TensorRT's names of the numbers in an ONNX file; others it does not know."""

ON_TURING = frozenset({"FP32", "FP16", "INT8", "UINT8", "INT32", "INT64", "BOOL"})

_RESIZE: Mapping[str, frozenset[str]] = {
    "mode": frozenset({"nearest", "linear"}),
    "coordinate_transformation_mode": frozenset(
        {"half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"}
    ),
    "nearest_mode": frozenset({"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"}),
    "keep_aspect_ratio_policy": frozenset({"stretch"}),
}


@cache
def _listed() -> dict[str, Any]:
    text = files("flawgate_training.export").joinpath("tensorrt_operators.json").read_text(encoding="utf-8")
    published: dict[str, Any] = json.loads(text)
    return published


class _Graph(NamedTuple):
    """A graph with what is known of its tensors.

    Attributes:
        graph: with its nodes.
        types: of the tensors, by name.
        constants: initializers and what Constant nodes give, by name.
    """

    graph: onnx.GraphProto
    types: Mapping[str, int]
    constants: Mapping[str, TensorProto]


def unsupported(model: onnx.ModelProto) -> tuple[str, ...]:
    """Compare a model with what TensorRT takes and Turing computes.

    Args:
        model: with its weights inside.

    Returns:
        One sentence for each fault, in the order of the nodes, none twice; empty where there is none.
    """
    graph = _known(model)
    faults = [*_opset(model), *_types(graph), *_border(graph)]
    for node in graph.graph.node:
        faults += _node(node, graph)
    return tuple(dict.fromkeys(faults))


def _known(model: onnx.ModelProto) -> _Graph:
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.output, *graph.value_info)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    return _Graph(graph, types | {name: tensor.data_type for name, tensor in constants.items()}, constants)


def _opset(model: onnx.ModelProto) -> Iterator[str]:
    least, greatest = _listed()["opsets"]
    for used in model.opset_import:
        if used.domain in {"", "ai.onnx"} and not least <= used.version <= greatest:
            yield f"Opset {used.version}: TensorRT reads opsets {least} to {greatest}."


def _types(graph: _Graph) -> Iterator[str]:
    for number in sorted(set(graph.types.values()) - {TensorProto.UNDEFINED}):
        name = TYPES.get(number)
        if name not in ON_TURING:
            yield f"Type {name or _Shown(number)}: Turing does not compute with it."


def _border(graph: _Graph) -> Iterator[str]:
    """UINT8 comes in and is cast at once, or is cast and goes out."""
    inside = {name for name, number in graph.types.items() if number == TensorProto.UINT8}
    for node in graph.graph.node:
        if node.op_type != "Cast" and inside & {*node.input, *node.output}:
            yield f"{node.op_type}: takes or gives UINT8, which TensorRT knows only at the border; cast it first."


def _node(node: onnx.NodeProto, graph: _Graph) -> Iterator[str]:
    entry = _listed()["operators"].get(node.op_type)
    if node.domain not in {"", "ai.onnx"}:
        yield f"{node.domain}.{node.op_type}: no operator of ONNX itself; TensorRT would need a plug-in."
    elif entry is None:
        yield f"{node.op_type}: not among the operators that TensorRT supports."
    else:
        yield from _types_of(node, graph, entry["types"])
        for broken in _RESTRICTIONS.get(node.op_type, _none)(node, graph):
            yield f"{node.op_type}: {broken}."


def _types_of(node: onnx.NodeProto, graph: _Graph, supported: list[str]) -> Iterator[str]:
    """Of the input that holds the data: the second of Where, else the first."""
    data = node.input[1:2] if node.op_type == "Where" else node.input[:1]
    for name in data:
        number = graph.types.get(name, TensorProto.UNDEFINED)
        if number != TensorProto.UNDEFINED and TYPES.get(number) not in supported:
            yield f"{node.op_type}: takes {TYPES.get(number) or _Shown(number)}; TensorRT: {', '.join(supported)}."


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _none(_node: onnx.NodeProto, _graph: _Graph) -> Iterator[str]:
    yield from ()


def _resize(node: onnx.NodeProto, _graph: _Graph) -> Iterator[str]:
    attributes = _attributes(node)
    for name, allowed in _RESIZE.items():
        value = attributes.get(name, b"").decode()
        # Rounding matters to the nearest mode alone.
        ignored = name == "nearest_mode" and attributes.get("mode", b"nearest") != b"nearest"
        if value and value not in allowed and not ignored:
            yield f"its {name} is {value}; TensorRT: {', '.join(sorted(allowed))}"
    if attributes.get("antialias", 0):
        yield "it smooths (antialias), which TensorRT does not"


def _pool(node: onnx.NodeProto, _graph: _Graph) -> Iterator[str]:
    attributes = _attributes(node)
    if len(attributes["kernel_shape"]) not in {2, 3}:
        yield "it is neither 2D nor 3D"
    if any(step != 1 for step in attributes.get("dilations", [])):
        yield "it is dilated"
    if len(node.output) > 1 and node.output[1]:
        yield "it gives indices"


def _reduce(node: onnx.NodeProto, graph: _Graph) -> Iterator[str]:
    if len(node.input) > 1 and node.input[1] and node.input[1] not in graph.constants:
        yield "its axes are computed"


def _zero_point(node: onnx.NodeProto, graph: _Graph) -> Iterator[str]:
    if len(node.input) < 3 or not node.input[2]:
        return
    tensor = graph.constants.get(node.input[2])
    if tensor is None or numpy_helper.to_array(tensor).any():
        yield "its zero point is not zero"


_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")

_RESTRICTIONS: Mapping[str, Callable[[onnx.NodeProto, _Graph], Iterator[str]]] = {
    "Resize": _resize,
    "AveragePool": _pool,
    "MaxPool": _pool,
    "QuantizeLinear": _zero_point,
    "DequantizeLinear": _zero_point,
    **{f"Reduce{name}": _reduce for name in _REDUCTIONS},
}
"""Those of the list that a network of ours could run into."""
