from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from onnx import helper

if TYPE_CHECKING:
    from triton_server.conftest import Launch, Launcher, WriteModel

pytestmark = pytest.mark.cluster

X = 'input [{ name: "x" data_type: TYPE_FP32 dims: [4] }]'
Y = 'output [{ name: "y" data_type: TYPE_FP32 dims: [4] }]'
THREADS = 'parameters {{ key: "intra_op_thread_count" value {{ string_value: "{}" }} }}'
IN_THE_GRAPH = "but TYPE_FP32 [-1, 4] in the graph (-1: any size)."

EDITS = {
    "dtype": (X, X.replace("FP32", "UINT8"), f"the input 'x' is TYPE_UINT8 [-1, 4] in config.pbtxt, {IN_THE_GRAPH}"),
    "shape": (Y, Y.replace("[4]", "[5]"), f"the output 'y' is TYPE_FP32 [-1, 5] in config.pbtxt, {IN_THE_GRAPH}"),
    "rank": (X, X.replace("[4]", "[2, 2]"), f"the input 'x' is TYPE_FP32 [-1, 2, 2] in config.pbtxt, {IN_THE_GRAPH}"),
    "batch": ("size: 8", "size: 0", f"the input 'x' is TYPE_FP32 [4] in config.pbtxt, {IN_THE_GRAPH}"),
    "name": (Y, Y.replace('"y"', '"z"'), "config.pbtxt names the output 'z', the graph has y."),
    "reshape": (
        X,
        X.replace("[4]", "[2, 2] reshape { shape: [4] }"),
        "config.pbtxt gives the input 'x' a reshape or makes it optional; neither is served.",
    ),
    "threads": (
        Y,
        Y + THREADS.format("many"),
        "the parameter intra_op_thread_count in config.pbtxt is 'many', it must be a whole number from 0 on.",
    ),
    "syntax": (Y, "output [", "Triton cannot read its config.pbtxt, see the log above."),
}
"""By model: what is replaced in a good config.pbtxt, what stands there instead, and the reason that must be given."""


@pytest.fixture(scope="module")
def launcher(launch: "Launch", write_model: "WriteModel", tmp_path_factory: pytest.TempPathFactory) -> "Launcher":
    """A ready Triton on one good model among broken ones."""
    repository = tmp_path_factory.mktemp("repository")
    tensors = [("x", "TYPE_FP32", [4])], [("y", "TYPE_FP32", [4])]
    for name in ("good", "missing", "corrupt", *EDITS):
        write_model(repository, name, [helper.make_node("Add", ["x", "x"], ["y"])], *tensors)
    for name, (old, new, _) in EDITS.items():
        edit(repository / name / "config.pbtxt", old, new)
    (repository / "missing" / "1" / "model.onnx").unlink()
    (repository / "corrupt" / "1" / "model.onnx").write_bytes(b"no graph")
    launcher = launch(repository)
    assert launcher.wait_until_ready(), launcher.log()
    return launcher


def edit(path: Path, old: str, new: str) -> None:
    """Replaces the one place where `old` stands in the file."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_good_model_is_served(launcher: "Launcher") -> None:
    """Broken models do not take the good one with them."""
    request = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
    response = httpx.post(f"http://127.0.0.1:{launcher.http_port}/v2/models/good/infer", json=request)
    assert response.json()["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [1, 4], "data": [2, 4, 6, 8]}]


@pytest.mark.parametrize("name", EDITS)
def test_a_model_that_does_not_fit_is_refused_with_one_sentence(launcher: "Launcher", name: str) -> None:
    """The launcher says which model is not served, which tensor is wrong, and what both sides say about it."""
    assert f"model {name!r} is not served: {EDITS[name][2]}" in launcher.sentences()


def test_a_missing_graph_is_refused_with_one_sentence(launcher: "Launcher") -> None:
    """A version folder without model.onnx is named."""
    expected = "model 'missing' is not served: 1/model.onnx does not exist: export the model into the repository."
    assert expected in launcher.sentences()


def test_a_corrupt_graph_is_refused_with_one_sentence(launcher: "Launcher") -> None:
    """Bytes that are no ONNX are named, with ONNX Runtime's reason."""
    [sentence] = [sentence for sentence in launcher.sentences() if sentence.startswith("model 'corrupt'")]
    assert sentence.startswith("model 'corrupt' is not served: ONNX Runtime cannot open 1/model.onnx: ")


def test_nothing_is_said_about_the_good_model(launcher: "Launcher") -> None:
    """One sentence for each broken model, none for the good one."""
    named = sorted(sentence.split("'")[1] for sentence in launcher.sentences())
    assert named == sorted(["missing", "corrupt", *EDITS])
