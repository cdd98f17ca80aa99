from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.exported import Exported

from flawgate_contracts.recipe import TensorInput
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.architectures.counting import count
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.export import graphs
from flawgate_training.export.cost import Cost, cost
from flawgate_training.export.graphs import Form


def test_counts_what_the_network_counts(exported: Exported, tmp_path: Path) -> None:
    """Multiplications counted from the graphs, without what explains their answers, are those of the network."""
    use = exported.use
    architecture = ARCHITECTURES[use.architecture]
    counted = count(architecture, architecture.options.model_validate(dict(use.options)), use.wanted).count
    written = exported.written
    if use.task == "classification":
        written = graphs.write(exported.network, use.task, use.shown, tmp_path, form=Form(explained=False))
    assert sum(each.cost.operations for each in written) == round(counted.gmac * 1e9)


def test_the_commutator_at_its_papers_size(tmp_path: Path) -> None:
    """The commutator's graphs take 2.43e9 multiplications a frame of 1408×512 pixels, and less than as traced."""
    network, shown = TwoStageNetwork(), TensorInput(channels=1, height=1408, width=512)
    written = graphs.write(network, "cascade", shown, tmp_path)
    assert f"{sum(each.cost.operations for each in written) / 1e9:.2f}" == "2.43"
    for each, plain in zip(written, graphs.plain_costs(network, "cascade", shown), strict=True):
        assert each.cost.operations == plain.operations
        assert each.cost.nodes < plain.nodes
        assert each.cost.bytes < plain.bytes


@pytest.mark.parametrize(
    ("node", "weight", "source", "answer", "operations"),
    [
        (helper.make_node("Conv", ["x", "w"], ["y"], group=2), (4, 3, 3, 3), (6, 8, 8), (4, 6, 6), 4 * 36 * 27),
        (
            helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2]),
            (6, 5, 2, 2),
            (6, 3, 4),
            (5, 6, 8),
            1440,
        ),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), (7, 6), (6,), (7,), 42),
        (helper.make_node("MatMul", ["x", "w"], ["y"]), (6, 7), (5, 6), (5, 7), 210),
        (helper.make_node("Mul", ["x", "w"], ["y"]), (6,), (6,), (6,), 0),
    ],
    ids=lambda value: value.op_type if isinstance(value, onnx.NodeProto) else None,
)
def test_counts_each_operator(
    node: onnx.NodeProto, weight: tuple[int, ...], source: tuple[int, ...], answer: tuple[int, ...], operations: int
) -> None:
    """Each operator counts its multiplications for one frame, whatever the batch is called; others count none."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *source])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", *answer])],
        [numpy_helper.from_array(np.zeros(weight, np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", graphs.OPSET)])
    assert cost(model) == Cost(operations, model.ByteSize(), 1)


def test_constants_are_no_operators() -> None:
    """A node that only holds a number is not counted."""
    value = numpy_helper.from_array(np.zeros(1, np.float32))
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=value), helper.make_node("Add", ["x", "c"], ["y"])],
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
    )
    assert cost(helper.make_model(graph)).nodes == 1
