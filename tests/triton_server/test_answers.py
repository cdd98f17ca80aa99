import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest
from onnx import helper, numpy_helper
from support.triton_client import BATCH_OF_FOUR, column, executions, infer, infer_at_once

if TYPE_CHECKING:
    from triton_server.conftest import Launcher, WriteModel

pytestmark = pytest.mark.cluster

TABLE = np.array([10, 11, 12, 13], np.int64)
RECIPE = {"recipe": "pipeline", "threshold": 0.9}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, write_model: "WriteModel") -> Path:
    """Four models, each with a graph whose answer shows one promise of the backend, and an ensemble of one of them."""
    folder = tmp_path_factory.mktemp("model repository")
    tensors = [("bool", "TYPE_BOOL"), ("uint8", "TYPE_UINT8"), ("int64", "TYPE_INT64"), ("fp16", "TYPE_FP16")]
    write_model(
        folder,
        "echo",
        [helper.make_node("Identity", [f"{name}_in"], [f"{name}_out"]) for name, _ in tensors],
        [(f"{name}_in", data_type, [2, -1]) for name, data_type in tensors],
        [(f"{name}_out", data_type, [2, -1]) for name, data_type in tensors],
        extra='parameters { key: "intra_op_thread_count" value { string_value: "5" } }',
    )
    _write_rows(folder, write_model)
    write_model(
        folder,
        "lookup",
        [
            helper.make_node("Add", ["index", "index"], ["double"]),
            helper.make_node("Gather", ["table", "index"], ["value"]),
        ],
        [("index", "TYPE_INT64", [1])],
        [("double", "TYPE_INT64", [1]), ("value", "TYPE_INT64", [1])],
        constants=[numpy_helper.from_array(TABLE, "table")],
        extra=BATCH_OF_FOUR,
    )
    write_model(
        folder,
        "flat",
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [("x", "TYPE_FP32", [-1])],
        [("y", "TYPE_FP32", [-1])],
        max_batch_size=0,
        extra='parameters { key: "intra_op_thread_count" value { string_value: "1" } }',
    )
    _write_ensemble(folder / "pipeline")
    return folder


def _write_rows(folder: Path, write_model: "WriteModel") -> None:
    """`rows` answers every row of `x` with the number of rows that ONNX Runtime was given in that call."""
    write_model(
        folder,
        "rows",
        [
            helper.make_node("Shape", ["x"], ["count"], start=0, end=1),
            helper.make_node("Mul", ["x", "zero"], ["zeros"]),
            helper.make_node("Add", ["zeros", "count"], ["rows"]),
        ],
        [("x", "TYPE_INT64", [1])],
        [("rows", "TYPE_INT64", [1])],
        constants=[numpy_helper.from_array(np.array([0], np.int64), "zero")],
        extra=BATCH_OF_FOUR,
    )


def _write_ensemble(folder: Path) -> None:
    """`pipeline` looks up the double of its index, and carries a recipe."""
    step = '{{ model_name: "lookup" model_version: -1 {} {} }}'
    first = step.format('input_map { key: "index" value: "index" }', 'output_map { key: "double" value: "between" }')
    second = step.format('input_map { key: "index" value: "between" }', 'output_map { key: "value" value: "value" }')
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(f"""
        name: "pipeline" platform: "ensemble" max_batch_size: 8
        input [{{ name: "index" data_type: TYPE_INT64 dims: [1] }}]
        output [{{ name: "value" data_type: TYPE_INT64 dims: [1] }}]
        ensemble_scheduling {{ step [{first}, {second}] }}
        parameters {{ key: "recipe" value {{ string_value: {json.dumps(json.dumps(RECIPE))} }} }}
    """)


def stub_threads(launcher: "Launcher", model: str) -> int:
    """The number of threads in the worker process of `model`."""
    [stub] = [p for p in launcher.descendants() if f"/{model}/1/" in " ".join(p.cmdline()) and _is_stub(p)]
    return stub.num_threads()


def _is_stub(process: psutil.Process) -> bool:
    return Path(process.cmdline()[0]).name == "triton_python_backend_stub"


def test_tensors_come_back_bit_for_bit_in_their_own_dtype(client: Any) -> None:
    """An identity graph hands back every dtype exactly, empty values, extremes and NaN included."""
    sent = {
        "bool_in": np.array([[[True, False], [False, True]]]),
        "uint8_in": np.array([[[0, 1], [254, 255]]], np.uint8),
        "int64_in": np.array([[[-(2**63), 2**63 - 1], [0, -1]]], np.int64),
        "fp16_in": np.array([[[np.nan, np.inf], [-0.0, 65504]]], np.float16),
    }
    answer = infer(client, "echo", sent)
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in answer.items()} == {
        name.replace("_in", "_out"): (array.dtype, array.shape, array.tobytes()) for name, array in sent.items()
    }


def test_requests_at_once_are_one_call_of_onnx_runtime(client: Any) -> None:
    """Four concurrent requests are one batch for Triton and four rows of one run for the graph."""
    with executions(client, "rows", requests=4) as made:
        answers = infer_at_once(client, "rows", column("x", [1, 2, 3, 4], np.int64))
    assert [answer["rows"].tolist() for answer in answers] == [[[4]]] * 4
    assert made == [1]


def test_each_request_of_a_batch_gets_its_own_rows(client: Any) -> None:
    """The outputs of a joined batch are split so that every caller gets the answer to its own question."""
    with executions(client, "lookup", requests=4) as made:
        answers = infer_at_once(client, "lookup", column("index", [2, 0, 3, 1], np.int64))
    assert made == [1]
    assert [answer["value"].tolist() for answer in answers] == [[[12]], [[10]], [[13]], [[11]]]


def test_a_bad_request_does_not_spoil_the_others_of_its_batch(client: Any, launcher: "Launcher") -> None:
    """An index outside the table is its sender's error alone, though it was in one batch with three good ones."""
    with executions(client, "lookup", requests=4) as made:
        good, bad, *others = infer_at_once(client, "lookup", column("index", [2, 99, 3, 1], np.int64))
    assert made == [1]
    assert [answer["value"].tolist() for answer in (good, *others)] == [[[12]], [[13]], [[11]]]
    assert "model 'lookup': " in str(bad)
    assert "out of data bounds" in str(bad)
    assert "a batch of 4 requests failed, now each alone" in launcher.log()


def test_only_the_requested_outputs_are_answered(client: Any) -> None:
    """Requests of one batch that ask for different outputs each get theirs, and no other."""
    index = {"index": np.array([[2]], np.int64)}
    with executions(client, "lookup", requests=4) as made, ThreadPoolExecutor(4) as pool:
        asked = [["double"], ["value"], ["value", "double"], []]
        answers = list(pool.map(lambda outputs: infer(client, "lookup", index, outputs), asked))
    assert [{name: array.item() for name, array in answer.items()} for answer in answers] == [
        {"double": 4},
        {"value": 12},
        {"value": 12, "double": 4},
        {"value": 12, "double": 4},
    ]
    assert made == [1]


@pytest.mark.parametrize("length", [1, 5])
def test_a_model_without_batches_takes_any_length(client: Any, length: int) -> None:
    """With max_batch_size 0 the first axis is no batch: shapes go through as they are."""
    x = np.arange(length, dtype=np.float32)
    assert infer(client, "flat", {"x": x})["y"].tolist() == (2 * x).tolist()


def test_an_ensemble_passes_tensors_between_its_models(client: Any) -> None:
    """The ensemble's second step sees what its first step answered."""
    indices = np.array([[0], [1], [0], [1]], np.int64)
    assert infer(client, "pipeline", {"index": indices})["value"].tolist() == [[10], [12], [10], [12]]


def test_a_recipe_is_read_over_the_model_configuration(client: Any) -> None:
    """The ensemble's `parameters` come back over Triton's API as they stand in config.pbtxt."""
    parameters = client.get_model_config("pipeline").config.parameters
    assert json.loads(parameters["recipe"].string_value) == RECIPE


def test_threads_follow_config_pbtxt_and_else_the_launcher(launcher: "Launcher", client: Any) -> None:
    """intra_op_thread_count 5 and 1 differ by four threads; a silent config.pbtxt gets the two of --threads."""
    one, two, five = (stub_threads(launcher, model) for model in ("flat", "rows", "echo"))
    assert (two - one, five - one) == (1, 4)


def test_metrics_count_the_inferences(client: Any, launcher: "Launcher") -> None:
    """Prometheus finds Triton's own counters on the metrics port."""
    infer(client, "flat", {"x": np.zeros(1, np.float32)})
    text = httpx.get(f"http://127.0.0.1:{launcher.metrics_port}/metrics").text
    assert 'nv_inference_request_success{model="flat",version="1"}' in text
