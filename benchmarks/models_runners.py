"""What `models.py` compares: one frame or batch through the models of a network, by each runtime."""

import importlib
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from flawgate_contracts.recipe import Precision
from flawgate_training.export.graphs import OPSET

Runner = Callable[[], object]
"""One run over its frames."""

Forward = Callable[[Tensor], object]
"""A network, or what torch.compile makes of it."""

Frames = NDArray[np.uint8]

PEAK_SIDE = 2048
"""Rows and columns of the matrices whose product tells the machine's peak."""


def openvino_missing() -> str | None:
    """Why OpenVINO is not measured; None: it is."""
    if find_spec("openvino") is None:
        return "OpenVINO is not installed in this environment, so its columns are empty."
    return None


def openvino_version() -> str | None:
    """Of OpenVINO; None: it is missing."""
    return None if openvino_missing() else str(_openvino().__version__)


def has_bf16() -> bool:
    """Whether OpenVINO computes with bfloat16 on this CPU."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_precisions() -> list[tuple[str, Precision, Literal["f32", "bf16"]]]:
    """What OpenVINO is measured with: the precision's name, that of the file, and what float32 is computed with."""
    if openvino_missing():
        return []
    half: list[tuple[str, Precision, Literal["f32", "bf16"]]] = [("bf16", "fp32", "bf16")] if has_bf16() else []
    return [("fp32", "fp32", "f32"), *half, ("int8", "int8", "f32")]


def _openvino() -> Any:
    # Its package of telemetry, where it is installed, reports at every import; an empty one counts as its absence.
    sys.modules["openvino_telemetry"] = ModuleType("openvino_telemetry")
    return importlib.import_module("openvino")


def compiler_missing() -> str | None:
    """Why torch.compile is not measured; None: it is."""
    if not any(shutil.which(name) for name in ("g++", "c++", "clang++")):
        return "torch.compile needs a C++ compiler and found none, so its column is empty."
    return None


class OnnxRuntime:
    """A network's files in ONNX Runtime, with the settings of our Triton backend.

    Args:
        files: in the order of their run; what one gives, a later one may take.
        threads: that compute.
    """

    def __init__(self, files: Sequence[Path], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        self._sessions = [onnxruntime.InferenceSession(file, options, providers=providers) for file in files]

    def runner(self, frames: Frames) -> Runner:
        """Runs these frames."""

        def run() -> None:
            tensors: dict[str, Any] = {"frame": frames}
            for session in self._sessions:
                names = [value.name for value in session.get_outputs()]
                given = {value.name: tensors[value.name] for value in session.get_inputs()}
                tensors |= dict(zip(names, session.run(names, given), strict=True))

        return run


class OpenVino:
    """A network's files in OpenVINO, with the settings of our Triton backend.

    Args:
        files: as for `OnnxRuntime`.
        threads: that compute.
        precision: of what float32 files are computed with.
    """

    def __init__(self, files: Sequence[Path], threads: int, precision: Literal["f32", "bf16"]) -> None:
        self._core = _openvino().Core()
        self._files = files
        self._properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,
        }

    def runner(self, frames: Frames) -> Runner:
        """Runs these frames; compiled for a batch of as many."""
        requests = [self._request(file, len(frames)) for file in self._files]

        def run() -> None:
            tensors: dict[str, Any] = {"frame": frames}
            for request in requests:
                model = request.get_compiled_model()
                given = {port.any_name: tensors[port.any_name] for port in model.inputs}
                request.infer(given, share_inputs=True, share_outputs=True)
                tensors |= {port.any_name: request.get_tensor(port).data for port in model.outputs}

        return run

    def _request(self, file: Path, batch: int) -> Any:
        model = self._core.read_model(file)
        model.reshape({port.any_name: [batch, *list(port.partial_shape)[1:]] for port in model.inputs})
        return self._core.compile_model(model, "CPU", self._properties).create_infer_request()


def torch_runner(network: Forward, frames: Frames) -> Runner:
    """Runs these frames through a network in torch."""
    given = torch.from_numpy(frames)

    def run() -> object:
        with torch.inference_mode():
            return network(given)

    return run


def compiled(network: nn.Module) -> Forward:
    """The network behind torch.compile, which compiles at the first run."""
    made: Forward = torch.compile(network)
    return made


def peak_runner() -> Runner:
    """A large product of matrices in float32, by ONNX Runtime.

    It reaches what the machine can do: on a processor with AVX-512 of a maker other than Intel, torch's own product ran
    at a third of its speed.
    """
    shape = [PEAK_SIDE, PEAK_SIDE]
    left, right = np.random.default_rng(0).random((2, *shape), np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["left", "right"], ["product"])],
        "peak",
        [helper.make_tensor_value_info("left", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run() -> object:
        return session.run(None, {"left": left})

    return run
