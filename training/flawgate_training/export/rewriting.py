"""Rewriting of an ONNX graph for its target: other operators, the same mathematics, answers equal but for rounding.

For a CPU, what follows a concatenation of channels is computed on each of its parts, and a 1×1 convolution over it
becomes the sum of 1×1 convolutions over the parts:

    conv(concat(a, b); [A B], bias)  =  conv(a; A, bias) + conv(b; B)

So the concatenation, which only copies, is gone; each activation stands right behind its convolution, where runtimes
fuse the two; and runtimes add to a sum within the convolution. The eight parallel paths of the commutator network gain
most. A GPU prefers a few large kernels to many small ones, so nothing of this is done for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import accumulate, chain, pairwise
from typing import Any, cast

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes.common import RemoveUnusedNodesPass
from onnxscript import optimizer

from flawgate_contracts.recipe import Target

_ELEMENTWISE = frozenset({"Clip", "HardSigmoid", "HardSwish", "LeakyRelu", "Relu", "Sigmoid"})

_Rule = Callable[[ir.Node, Sequence[ir.Value]], ir.Value]
"""A follower of a concatenation and the concatenation's parts → the follower's answer, computed part by part."""


def rewrite(model: onnx.ModelProto, *, target: Target) -> onnx.ModelProto:
    """The same graph for a target: constants folded, what does nothing dropped; for a CPU, concatenations dissolved.

    Args:
        model: over maps, (N, C, H, W), all but the batch fixed; not yet quantised. It is left as it is.
        target: what it is to run on.

    Returns:
        A graph of the same inputs and outputs. In float32 it answers the same within 1e-5 of the largest answer.
    """
    rewritten = ir.from_proto(model)
    optimizer.optimize_ir(rewritten)
    if target == "cpu":
        _dissolve_concatenations(rewritten.graph)
        RemoveUnusedNodesPass()(rewritten)  # the weights that were sliced
    return ir.to_proto(rewritten)


def _dissolve_concatenations(graph: ir.Graph) -> None:
    """Push every concatenation of channels past what follows it, as long as it can go."""
    waiting = [node for node in graph if node.op_type == "Concat"]
    while waiting:
        concat = waiting.pop()
        if _can_go(concat):
            waiting.extend(_push(graph, concat))


def _can_go(concat: ir.Node) -> bool:
    """Whether all that follows can be computed part by part, so that nobody needs the concatenation any more."""
    whole = concat.outputs[0]
    values = [whole, *_given(concat)]
    if whole.is_graph_output() or concat.attributes.get_int("axis") != 1 or not all(map(_is_map, values)):
        return False
    return bool(whole.uses()) and all(_rule(use.node, use.idx) is not None for use in whole.uses())


def _push(graph: ir.Graph, concat: ir.Node) -> list[ir.Node]:
    """Compute the followers part by part; gives the concatenations that now stand behind them."""
    parts = _given(concat)
    behind = []
    for use in concat.outputs[0].uses():
        rule = _rule(use.node, use.idx)
        if rule is not None:
            answer = rule(use.node, parts)
            use.node.outputs[0].replace_all_uses_with(answer)
            graph.remove(use.node, safe=True)
            behind.append(answer.producer())
    graph.remove(concat, safe=True)
    return [node for node in behind if node is not None and node.op_type == "Concat"]


def _rule(follower: ir.Node, position: int) -> _Rule | None:
    """How a node that takes a concatenation as its input of this position is computed part by part; None: it is not."""
    kind = follower.op_type
    if follower.outputs[0].is_graph_output():
        return None  # outputs keep their names
    if kind == "Mul" and _is_gate(follower.inputs[1 - position], follower):
        return _gate_parts
    if position != 0 or not all(_is_constant(value) for value in follower.inputs[1:]):
        return None
    if kind in _ELEMENTWISE or kind == "GlobalAveragePool" or (kind == "ReduceMean" and _is_global(follower)):
        return _compute_on_parts
    if kind == "Conv":
        return _rule_of_convolution(follower)
    return None


def _rule_of_convolution(convolution: ir.Node) -> _Rule | None:
    outputs, inputs, *kernel = _array(convolution.inputs[1]).shape
    groups = convolution.attributes.get_int("group", 1)
    if inputs == 1 and groups == outputs > 1:
        return _convolve_parts
    if groups == 1 and set(kernel) == {1}:
        return _sum_over_parts
    return None


def _compute_on_parts(follower: ir.Node, parts: Sequence[ir.Value]) -> ir.Value:
    """f(concat(a, b)) = concat(f(a), f(b))."""
    return _concatenated(follower, [_again(follower, [part, *follower.inputs[1:]], part) for part in parts])


def _gate_parts(follower: ir.Node, parts: Sequence[ir.Value]) -> ir.Value:
    """concat(a, b) · g = concat(a · g₁, b · g₂), for a factor per channel."""
    gate = next(value for value in _given(follower) if _is_gate(value, follower))
    sizes = _constant(follower, "sizes", np.array([_channels(part) for part in parts], np.int64))
    split = _insert(follower, "Split", [gate, sizes], {"axis": 1}, outputs=len(parts))
    for value, part in zip(split.outputs, parts, strict=True):
        _describe(value, gate, _channels(part))
    pairs = zip(parts, split.outputs, strict=True)
    return _concatenated(follower, [_again(follower, [part, factor], part) for part, factor in pairs])


def _convolve_parts(follower: ir.Node, parts: Sequence[ir.Value]) -> ir.Value:
    """A depthwise convolution sees each channel alone."""
    answers = []
    for number, (part, rows) in enumerate(zip(parts, _places(parts), strict=True)):
        weights = [
            _constant(follower, f"{role}_{number}", _array(value)[rows])
            for role, value in zip(("weight", "bias"), _given(follower)[1:], strict=False)
        ]
        channels = ir.AttrInt64("group", _channels(part))
        answers.append(_again(follower, [part, *weights], part, channels))
    return _concatenated(follower, answers)


def _sum_over_parts(follower: ir.Node, parts: Sequence[ir.Value]) -> ir.Value:
    """See the module. Where something is added to the convolution anyway, the sum begins with it."""
    _, weight, *bias = _given(follower)
    residual = _taken_over(follower)

    def terms() -> Iterator[ir.Value]:
        for number, (part, columns) in enumerate(zip(parts, _places(parts), strict=True)):
            own = _constant(follower, f"weight_{number}", _array(weight)[:, columns])
            yield _again(follower, [part, own, *(bias if number == 0 else [])], follower.outputs[0])

    # One by one: each term is computed right before it is added.
    return reduce(partial(_added, follower), chain(residual, terms()))


def _taken_over(convolution: ir.Node) -> list[ir.Value]:
    """The residual that is added to a convolution, with the addition taken out of the graph; empty: there is none."""
    answer = convolution.outputs[0]
    users = answer.consumers()
    if len(users) != 1 or users[0].op_type != "Add" or users[0].outputs[0].is_graph_output():
        return []
    residual = [value for value in _given(users[0]) if value is not answer]
    if len(residual) != 1 or residual[0].shape != answer.shape or not _stands_before(residual[0], convolution):
        return []
    users[0].outputs[0].replace_all_uses_with(answer)
    _graph(users[0]).remove(users[0], safe=True)
    return residual


def _stands_before(value: ir.Value, node: ir.Node) -> bool:
    maker = value.producer()
    graph = _graph(node)
    return maker is None or graph.index(maker) < graph.index(node)


def _concatenated(follower: ir.Node, parts: Sequence[ir.Value]) -> ir.Value:
    concat = _insert(follower, "Concat", parts, {"axis": 1})
    return _describe(concat.outputs[0], follower.outputs[0], _channels(follower.outputs[0]))


def _added(follower: ir.Node, total: ir.Value, term: ir.Value) -> ir.Value:
    answer = follower.outputs[0]
    return _describe(_insert(follower, "Add", [term, total], {}).outputs[0], answer, _channels(answer))


def _again(follower: ir.Node, inputs: Sequence[ir.Value | None], like: ir.Value, *changed: ir.Attr) -> ir.Value:
    """The follower's operator on other inputs; its answer keeps height and width, and has the channels of `like`."""
    attributes = {**follower.attributes, **{attribute.name: attribute for attribute in changed}}
    node = _insert(follower, follower.op_type, inputs, attributes)
    return _describe(node.outputs[0], follower.outputs[0], _channels(like))


def _insert(
    before: ir.Node,
    kind: str,
    inputs: Sequence[ir.Value | None],
    attributes: Mapping[str, ir.Attr | int],
    *,
    outputs: int = 1,
) -> ir.Node:
    node = ir.node(kind, inputs, attributes, num_outputs=outputs)
    _graph(before).insert_before(before, node)
    return node


def _constant(owner: ir.Node, role: str, array: NDArray[Any]) -> ir.Value:
    """A new initialiser, named after the node that it is for."""
    name = f"{owner.outputs[0].name}_{role}"
    tensor = ir.tensor(np.ascontiguousarray(array), name=name)
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
    _graph(owner).register_initializer(value)
    return value


def _describe(value: ir.Value, like: ir.Value, channels: int) -> ir.Value:
    """Write the type and shape of `like` on a value, but for the channels."""
    batch, _, *size = cast("ir.Shape", like.shape)
    value.type = like.type
    value.shape = ir.Shape([batch, channels, *size])
    return value


def _places(parts: Sequence[ir.Value]) -> list[slice]:
    """Where the channels of each part stand in the whole."""
    return [slice(*ends) for ends in pairwise(accumulate(map(_channels, parts), initial=0))]


def _given(node: ir.Node) -> list[ir.Value]:
    return [value for value in node.inputs if value is not None]


def _graph(node: ir.Node) -> ir.Graph:
    return cast("ir.Graph", node.graph)


def _is_constant(value: ir.Value | None) -> bool:
    return value is None or value.const_value is not None


def _array(constant: ir.Value | None) -> NDArray[Any]:
    return cast("ir.TensorProtocol", cast("ir.Value", constant).const_value).numpy()


def _is_map(value: ir.Value) -> bool:
    """Whether it is (N, C, H, W) of known C, H and W, and more than one pixel."""
    sizes = _sizes(value)
    return len(sizes) == 3 and sizes[1:] != [1, 1]


def _is_gate(value: ir.Value | None, product: ir.Node) -> bool:
    """Whether it is one factor for each channel of a product, (N, C, 1, 1)."""
    return value is not None and _sizes(value) == [_channels(product.outputs[0]), 1, 1]


def _is_global(mean: ir.Node) -> bool:
    """Whether it gives one value for each channel, (N, C, 1, 1)."""
    return _sizes(mean.outputs[0]) == [_channels(_given(mean)[0]), 1, 1]


def _channels(value: ir.Value) -> int:
    return _sizes(value)[0]


def _sizes(value: ir.Value) -> list[int]:
    """All but the batch; empty where one of them is not known."""
    sizes = [] if value.shape is None else list(value.shape)[1:]
    return [size for size in sizes if isinstance(size, int)] if all(isinstance(size, int) for size in sizes) else []
