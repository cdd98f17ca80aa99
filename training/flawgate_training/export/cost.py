"""What an ONNX graph costs, read off the graph itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import onnx
from onnx import NodeProto, ValueInfoProto, shape_inference

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """What a graph costs.

    Attributes:
        operations: multiplications with addition for one frame; convolutions and matrix products alone.
        bytes: of its file.
        nodes: operators of the graph; constants are none.
    """

    operations: int
    bytes: int
    nodes: int


def cost(model: onnx.ModelProto) -> Cost:
    """Count.

    Args:
        model: of fixed shapes but for the batch.
    """
    nodes = [node for node in model.graph.node if node.op_type != "Constant"]
    shapes = shapes_of(model)
    counted = sum(_COUNTED[node.op_type](node, shapes) for node in nodes if node.op_type in _COUNTED)
    return Cost(counted, model.ByteSize(), len(nodes))


def shapes_of(model: onnx.ModelProto) -> dict[str, Shape]:
    """The shape of every tensor for a batch of one frame, by name.

    A size that cannot be inferred counts as 1: height and width are fixed, so only the batch leaves it open.
    """
    alone = onnx.ModelProto()
    alone.CopyFrom(model)
    for value in (*alone.graph.value_info, *alone.graph.input, *alone.graph.output):
        for size in value.type.tensor_type.shape.dim:
            size.dim_value = size.dim_value or 1
    graph = shape_inference.infer_shapes(alone, data_prop=True).graph
    known = {value.name: _shape(value) for value in (*graph.value_info, *graph.input, *graph.output)}
    return known | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def _shape(value: ValueInfoProto) -> Shape:
    return tuple(size.dim_value or 1 for size in value.type.tensor_type.shape.dim)


def _convolution(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every value of the answer is a sum over the kernel and the channels of its group."""
    return prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])


def _transposed(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every value of the input is spread over the kernel and the channels of its group."""
    return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])


def _matrix(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every value of the answer is a sum over the columns of the first factor."""
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


_COUNTED: Mapping[str, Callable[[NodeProto, Mapping[str, Shape]], int]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _matrix,
    "MatMul": _matrix,
}
