"""Networks and graphs of other numbers than float32. What goes in and comes out stays uint8 and float32.

TensorRT 11 knows neither calibrators nor precision flags (removed after 10.x): an engine computes with the types that
stand in the ONNX file. So half precision is a half copy of the network with casts at its edges, and int8 are pairs of
QuantizeLinear and DequantizeLinear with ranges of real frames.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, shape_inference
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from torch import Tensor, nn

from flawgate_training.architectures.networks import Normalise
from flawgate_training.export.float_layers import POOLS, WEIGHTED, kept_in_float

_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)

Feed = Mapping[str, NDArray[Any]]
"""Inputs of a graph by name, each with a batch of one."""


def halved(network: nn.Module) -> nn.Module:
    """A copy that computes with float16, but normalises frames in float32.

    Args:
        network: in evaluation mode; with its batch normalisations folded, so that none of their statistics is rounded.
    """
    half = copy.deepcopy(network).half()
    for module, original in zip(half.modules(), network.modules(), strict=True):
        if isinstance(module, Normalise) and isinstance(original, Normalise):
            module.divisor, module.offset = original.divisor, original.offset
            module.register_forward_hook(_answer_in_half)
        elif isinstance(module, _LAYERS):
            module.register_forward_pre_hook(_take_own_type)
    return half


def _answer_in_half(_module: nn.Module, _inputs: object, answer: Tensor) -> Tensor:
    return answer.half()


def _take_own_type(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The first layers of a network or part see float32: normalised frames, or features."""
    own = layer.get_parameter("weight").dtype
    return tuple(each.to(own) for each in inputs)


def pool_in_float(model: onnx.ModelProto) -> None:
    """Take every mean over a map of float16 in float32: the sum over a large map would pass float16's 65,504."""
    types = _types(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        pooled = node.op_type in POOLS and types.get(node.input[0]) == TensorProto.FLOAT16
        nodes.extend(_in_float(node) if pooled else [node])
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]


def _in_float(node: NodeProto) -> list[NodeProto]:
    source, answer = node.input[0], node.output[0]
    wide, mean = f"{source}_{answer}_float", f"{answer}_float"
    node.input[0], node.output[0] = wide, mean
    return [
        helper.make_node("Cast", [source], [wide], f"{node.name}_widen", to=TensorProto.FLOAT),
        node,
        helper.make_node("Cast", [mean], [answer], f"{node.name}_narrow", to=TensorProto.FLOAT16),
    ]


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model).graph
    return {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input)}


def quantisable(model: onnx.ModelProto) -> bool:
    """Whether int8 would change anything: small parts have no layer but those that stay in float."""
    kept = kept_in_float(model)
    return any(node.op_type in WEIGHTED and node.name not in kept for node in model.graph.node)


def quantise(model: onnx.ModelProto, feeds: Iterable[Feed], path: Path) -> None:
    """Write a graph with int8 weights, one scale a channel, and int8 activations, both symmetric.

    Args:
        model: of float32; every node has a name of its own.
        feeds: to find the range of each activation, least to largest, at least one; read once, one by one. Of each,
            only the two ends of every range are kept.
        path: file to write.
    """
    source = onnx.ModelProto()
    source.CopyFrom(model)
    add_pre_process_metadata(source)  # the exporter has inferred shapes and folded constants; else it logs a reminder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations; what it wrote is compared with torch afterwards
        quantize_static(
            source,
            path,
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(WEIGHTED),
            nodes_to_exclude=sorted(kept_in_float(source)),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
            },
        )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Hands out one feed after another."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds: Iterator[Feed] = iter(feeds)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next feed; None after the last."""
        feed = next(self._feeds, None)
        return None if feed is None else dict(feed)
