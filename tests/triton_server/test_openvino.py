from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from support.triton_client import BATCH_OF_FOUR, Arrays, column, executions, infer, infer_at_once

if TYPE_CHECKING:
    from triton_server.conftest import Launcher, WriteModel

pytestmark = pytest.mark.cluster

ONNX = 'default_model_filename: "model.onnx"'
PARAMETER = 'parameters {{ key: "{}" value {{ string_value: "{}" }} }}'

KERNEL = np.random.default_rng(0).standard_normal((6, 3, 3, 3)).astype(np.float32)
"""Of the convolution that both backends compute."""

GOOD = {
    "INFERENCE_NUM_THREADS": "1",
    "COMPILATION_NUM_THREADS": "2",
    "NUM_STREAMS": "AUTO",
    "PERFORMANCE_HINT": "throughput",
    "HINT_BF16": "YES",
    "SKIP_OV_DYNAMIC_BATCHSIZE": "YES",
    "ENABLE_BATCH_PADDING": "NO",
    "RESHAPE_IO_LAYERS": "NO",
    "TARGET_DEVICE": "CPU",
}
"""Parameters of Triton's native backend that are understood."""

BAD = {
    "threads": ("INFERENCE_NUM_THREADS", "many", "'many', it must be a whole number from 0 on."),
    "hint": ("PERFORMANCE_HINT", "fast", "'FAST', it must be LATENCY or THROUGHPUT."),
    "bf16": ("HINT_BF16", "no", "'NO', it must be YES."),
    "streams": ("NUM_STREAMS", "few", "'FEW', it must be AUTO, NUMA or a count."),
    "device": ("TARGET_DEVICE", "GPU", "'GPU', it must be CPU."),
}
"""By model: a parameter, its value, and what must be said about it."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, write_model: "WriteModel") -> Path:
    """Graphs whose answers each show one promise of the backend, and some that it must refuse."""
    folder = tmp_path_factory.mktemp("repository")
    _write_echo(folder, write_model)
    _write_factors(folder, write_model)
    _write_convolutions(folder, write_model)
    _write_bad(folder, write_model)
    return folder


def _write_echo(folder: Path, write_model: "WriteModel") -> None:
    """`echo` hands its inputs back."""
    tensors = [("bool", "TYPE_BOOL"), ("uint8", "TYPE_UINT8"), ("int32", "TYPE_INT32"), ("fp16", "TYPE_FP16")]
    write_model(
        folder,
        "echo",
        [helper.make_node("Identity", [f"{name}_in"], [f"{name}_out"]) for name, _ in tensors],
        [(f"{name}_in", data_type, [2, -1]) for name, data_type in tensors],
        [(f"{name}_out", data_type, [2, -1]) for name, data_type in tensors],
        backend="openvino",
        extra=ONNX,
    )


def _write_factors(folder: Path, write_model: "WriteModel") -> None:
    """`factors` fails on a batch that holds a number other than 1, and tells each row how many rows it ran with."""
    write_model(
        folder,
        "factors",
        [
            helper.make_node("Shape", ["x"], ["rows"], start=0, end=1),
            helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
            helper.make_node("Cast", ["most"], ["factor"], to=7),
            helper.make_node("Reshape", ["factor", "one"], ["columns"]),
            helper.make_node("Concat", ["rows", "columns"], ["shape"], axis=0),
            helper.make_node("Reshape", ["x", "shape"], ["same"]),
            helper.make_node("Cast", ["rows"], ["count"], to=6),
            helper.make_node("Mul", ["same", "count"], ["y"]),
            helper.make_node("Neg", ["same"], ["minus"]),
        ],
        [("x", "TYPE_INT32", [1])],
        [("y", "TYPE_INT32", [1]), ("minus", "TYPE_INT32", [1])],
        backend="openvino",
        constants=[numpy_helper.from_array(np.array([1], np.int64), "one")],
        extra=f"{ONNX} {BATCH_OF_FOUR}",
    )


def _write_convolutions(folder: Path, write_model: "WriteModel") -> None:
    """The same convolution for each backend, and once more with every parameter of the native backend."""
    every = " ".join(PARAMETER.format(*each) for each in GOOD.items())
    for name, backend, extra in (
        ("by_onnxruntime", "onnxruntime", ""),
        ("by_openvino", "openvino", ONNX),
        ("by_openvino_in_bf16", "openvino", f"{ONNX} {every}"),
    ):
        write_model(
            folder,
            name,
            [
                helper.make_node("Cast", ["frame"], ["pixels"], to=1),
                helper.make_node("Conv", ["pixels", "kernel"], ["sums"]),
                helper.make_node("Tanh", ["sums"], ["mask"]),
            ],
            [("frame", "TYPE_UINT8", [3, 16, 12])],
            [("mask", "TYPE_FP32", [6, 14, 10])],
            backend=backend,
            constants=[numpy_helper.from_array(KERNEL * np.float32(0.001), "kernel")],
            extra=extra,
        )


def _write_bad(folder: Path, write_model: "WriteModel") -> None:
    """Models that must be refused, each for one reason."""
    extras = {name: f"{ONNX} {PARAMETER.format(*bad[:2])}" for name, bad in BAD.items()}
    extras |= {"reshaped": f"{ONNX} {PARAMETER.format('RESHAPE_IO_LAYERS', 'YES')}"}
    extras |= {"missing": "", "corrupt": ONNX, "dtype": ONNX, "shape": ONNX}
    for name, extra in extras.items():
        tensors = [("x", "TYPE_FP32", [4])], [("y", "TYPE_FP32", [4])]
        write_model(
            folder, name, [helper.make_node("Add", ["x", "x"], ["y"])], *tensors, backend="openvino", extra=extra
        )
    (folder / "corrupt" / "1" / "model.onnx").write_bytes(b"no graph")
    wide = [("x", "TYPE_INT64", [4])], [("y", "TYPE_INT64", [4])]
    write_model(folder, "wide", [helper.make_node("Add", ["x", "x"], ["y"])], *wide, backend="openvino", extra=ONNX)
    for name, old, new in (("dtype", "TYPE_FP32", "TYPE_UINT8"), ("shape", "[4]", "[5]")):
        path = folder / name / "config.pbtxt"
        path.write_text(path.read_text().replace(old, new, 1))


def frames(count: int) -> Arrays:
    """Frames of noise."""
    return {"frame": np.random.default_rng(count).integers(0, 256, (count, 3, 16, 12), dtype=np.uint8)}


def test_tensors_come_back_bit_for_bit_in_their_own_dtype(client: Any) -> None:
    """An identity graph hands back every dtype exactly, empty values, extremes and NaN included."""
    sent = {
        "bool_in": np.array([[[True, False], [False, True]]]),
        "uint8_in": np.array([[[0, 1], [254, 255]]], np.uint8),
        "int32_in": np.array([[[-(2**31), 2**31 - 1], [0, -1]]], np.int32),
        "fp16_in": np.array([[[np.nan, np.inf], [-0.0, 65504]]], np.float16),
    }
    answer = infer(client, "echo", sent)
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in answer.items()} == {
        name.replace("_in", "_out"): (array.dtype, array.shape, array.tobytes()) for name, array in sent.items()
    }


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_both_backends_answer_alike(client: Any, count: int) -> None:
    """One ONNX file gives the same answers by ONNX Runtime and by OpenVINO, for a frame alone and for batches."""
    by_onnxruntime, by_openvino = (
        infer(client, f"by_{backend}", frames(count))["mask"] for backend in ("onnxruntime", "openvino")
    )
    assert by_openvino.shape == (count, 6, 14, 10)
    assert np.abs(by_onnxruntime - by_openvino).max() <= 1e-6


def test_the_native_backends_parameters_are_understood(client: Any) -> None:
    """With every parameter set the model is served, in bfloat16 where the CPU has it: alike, but no longer equal."""
    exact, rounded = (infer(client, name, frames(2))["mask"] for name in ("by_openvino", "by_openvino_in_bf16"))
    assert np.abs(exact - rounded).max() <= 2e-2


def test_requests_at_once_are_one_run(client: Any) -> None:
    """Four concurrent requests are one batch for Triton and four rows of one run for OpenVINO."""
    with executions(client, "factors", requests=4) as made:
        answers = infer_at_once(client, "factors", column("x", [1] * 4, np.int32))
    assert [answer["y"].tolist() for answer in answers] == [[[4]]] * 4
    assert made == [1]


def test_a_bad_request_does_not_spoil_the_others_of_its_batch(client: Any, launcher: "Launcher") -> None:
    """A number that the graph cannot reshape by is its sender's error alone, in OpenVINO's words."""
    with executions(client, "factors", requests=4) as made:
        good, bad, *others = infer_at_once(client, "factors", column("x", [1, 99, 1, 1], np.int32))
    assert made == [1]
    assert [answer["y"].tolist() for answer in (good, *others)] == [[[1]]] * 3
    assert "model 'factors': " in str(bad)
    assert "Exception from" not in str(bad)
    assert "a batch of 4 requests failed, now each alone" in launcher.log()


def test_only_the_requested_outputs_are_answered(client: Any) -> None:
    """An output that nobody asked for is not sent."""
    one = {"x": np.array([[1]], np.int32)}
    asked: list[list[str]] = [["minus"], ["minus", "y"], []]
    assert [set(infer(client, "factors", one, names)) for names in asked] == [{"minus"}, {"minus", "y"}, {"minus", "y"}]


def test_answers_outlive_the_next_request(client: Any) -> None:
    """What one request was answered is not changed by the next one, which runs in the same memory."""
    first = infer(client, "by_openvino", frames(1))["mask"]
    kept = first.copy()
    infer(client, "by_openvino", {"frame": np.zeros((1, 3, 16, 12), np.uint8)})
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_parameter_is_refused_with_one_sentence(launcher: "Launcher", name: str) -> None:
    """The launcher says which model is not served, which parameter is wrong, and what it may be."""
    parameter, _, reason = BAD[name]
    expected = f"model {name!r} is not served: the parameter {parameter} in config.pbtxt is {reason}"
    assert expected in launcher.sentences()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "1/model.xml does not exist: export the model into the repository."),
        ("reshaped", "config.pbtxt sets the parameter RESHAPE_IO_LAYERS, which is not served: leave it out."),
        ("dtype", "the input 'x' is TYPE_UINT8 [-1, 4] in config.pbtxt, but TYPE_FP32 [-1, 4] in the graph"),
        ("shape", "the input 'x' is TYPE_FP32 [-1, 5] in config.pbtxt, but TYPE_FP32 [-1, 4] in the graph"),
        (
            "wide",
            "the input 'x' is TYPE_INT64 [-1, 4] in config.pbtxt, but i64 (not served: OpenVINO computes it as another",
        ),
        ("corrupt", "OpenVINO cannot open 1/model.onnx: "),
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_one_sentence(launcher: "Launcher", name: str, reason: str) -> None:
    """What is missing, broken or otherwise than config.pbtxt says is named."""
    [sentence] = [sentence for sentence in launcher.sentences() if sentence.startswith(f"model {name!r}")]
    assert sentence.startswith(f"model {name!r} is not served: {reason}")


def test_openvino_has_nobody_to_report_to(launcher: "Launcher", triton_python: Path) -> None:
    """The package that sends usage to OpenVINO's maker at every import is not in the environment."""
    packages = triton_python.parent.parent.glob("lib/python3*/site-packages/openvino*")
    assert any(package.name == "openvino" for package in packages)
    assert not list(triton_python.parent.parent.glob("lib/python3*/site-packages/openvino_telemetry*"))
