from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support.exported import Exported

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.kinds import ANSWERS, calls
from flawgate_contracts.recipe import TensorInput
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.architectures.networks import Classifier
from flawgate_training.export import graphs
from flawgate_training.export.tensors import TensorSpec

CHECKOUT = Path(__file__).resolve().parents[3]


def test_onnx_runtime_answers_as_torch(exported: Exported) -> None:
    """At batches of one, two and three frames ONNX Runtime answers as torch does, within 1e-3, and so do the logits."""
    frames = exported.use.frames(3, seed=7)
    models = exported.models
    expected = exported.trained.explained(frames)
    for batch in (1, 2, 3):
        actual = models.explained(frames[:batch])
        for name in ANSWERS[exported.use.task]:
            assert actual.answers[name].dtype == np.float32
            np.testing.assert_allclose(actual.answers[name], expected.answers[name][:batch], atol=1e-3)
            np.testing.assert_allclose(actual.logits[name], expected.logits[name][:batch], rtol=1e-3, atol=1e-3)


def test_files_are_named_after_their_parts(exported: Exported) -> None:
    """There is one file for each model of the kind, and what it takes and gives is uint8 frames and float32."""
    expected = calls(exported.use.task, explained=exported.use.task == "classification")
    assert expected == tuple(each.call for each in exported.written)
    assert [each.path.name for each in exported.written] == [f"{call.part}.onnx" for call in expected]
    for each in exported.written:
        assert tuple(tensor.name for tensor in each.inputs) == each.call.inputs
        assert tuple(tensor.name for tensor in each.outputs) == each.call.outputs
        kinds = {tensor.name: tensor.dtype for tensor in (*each.inputs, *each.outputs)}
        assert kinds == {name: "UINT8" if name == "frame" else "FP32" for name in kinds}
    shown = exported.use.shown
    assert exported.written[0].inputs == (TensorSpec("frame", "UINT8", (shown.channels, shown.height, shown.width)),)


def test_the_batch_alone_is_dynamic(exported: Exported) -> None:
    """Height and width are fixed in the file, only the batch has a name instead of a size."""
    for each in exported.written:
        graph = onnx.load(each.path).graph
        for tensor in (*graph.input, *graph.output):
            batch, *others = tensor.type.tensor_type.shape.dim
            assert (batch.dim_value, bool(batch.dim_param)) == (0, True)
            assert all(size.dim_value > 0 for size in others)


def test_no_trace_of_the_exporting_machine(exported: Exported) -> None:
    """No path of the checkout and no stack trace is in a file, so digests do not depend on where it was exported."""
    for each in exported.written:
        content = each.path.read_bytes()
        for word in (str(CHECKOUT), "/".join(CHECKOUT.parts[-2:]), "site-packages", "stack_trace", "flawgate_training"):
            assert word.encode() not in content


def test_normalisations_are_folded(exported: Exported) -> None:
    """No batch normalisation is left, the file is valid, and its size is told."""
    for each in exported.written:
        model = onnx.load(each.path)
        onnx.checker.check_model(model, full_check=True)
        assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
        assert each.cost.bytes == each.path.stat().st_size


def test_two_exports_are_the_same(tmp_path: Path) -> None:
    """The same network gives the same bytes, so a digest names a network."""
    torch.manual_seed(0)
    network, shown = TwoStageNetwork(), TensorInput(channels=1, height=64, width=64)
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        contents.append([each.path.read_bytes() for each in graphs.write(network, "cascade", shown, tmp_path / name)])
    assert contents[0] == contents[1]


def test_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    """A network in training goes on training, with the same weights."""
    network = TwoStageNetwork().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    graphs.write(network, "cascade", TensorInput(channels=1, height=64, width=64), tmp_path)
    assert network.training
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_refuses_a_network_of_another_kind(tmp_path: Path) -> None:
    """A classifier is no cascade: said in one sentence, and nothing is written."""
    shown = TensorInput(channels=1, height=16, width=16)
    with pytest.raises(InvalidParameter, match="A recipe of the kind cascade runs a Cascade, not a Classifier"):
        graphs.write(Classifier(torch.nn.Flatten()), "cascade", shown, tmp_path)
    assert list(tmp_path.iterdir()) == []
