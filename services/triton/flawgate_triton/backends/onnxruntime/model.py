"""Triton's `backend: "onnxruntime"`, written as a Python-based backend: `<model>/<version>/model.onnx` on the CPU.

It reads the same config.pbtxt as Triton's native ONNX Runtime backend, so one model repository serves both.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from flawgate_triton.graph import Array, Config, Declared, model_file, thread_count
from flawgate_triton.graph_model import GraphModel

TYPES = {
    "tensor(bool)": "TYPE_BOOL",
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(uint16)": "TYPE_UINT16",
    "tensor(uint32)": "TYPE_UINT32",
    "tensor(uint64)": "TYPE_UINT64",
    "tensor(int8)": "TYPE_INT8",
    "tensor(int16)": "TYPE_INT16",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(float16)": "TYPE_FP16",
    "tensor(float)": "TYPE_FP32",
    "tensor(double)": "TYPE_FP64",
}
"""Triton's name of a dtype by ONNX Runtime's. TYPE_STRING and TYPE_BF16 are not served: no picture needs them."""


class OnnxRuntimeGraph:
    """An ONNX file, opened by ONNX Runtime.

    Args:
        path: of the file.
        options: of the session.
    """

    def __init__(self, path: Path, options: onnxruntime.SessionOptions) -> None:
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = {node.name: _declared(node) for node in self._session.get_inputs()}
        self.outputs = {node.name: _declared(node) for node in self._session.get_outputs()}

    def run(self, feed: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """See `Graph`. The outputs `names` alone are handed out; the whole graph is computed for them all the same."""
        return dict(zip(names, self._session.run(names, feed), strict=True))


class TritonPythonModel(GraphModel):
    """The name that Triton looks for."""

    @staticmethod
    def open(config: Config, folder: Path) -> OnnxRuntimeGraph:
        """See `GraphModel`."""
        path = model_file(config, folder, "model.onnx")
        options = session_options(config)
        try:
            return OnnxRuntimeGraph(path, options)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's exceptions have no common base below Exception
            reason = TritonPythonModel.reason(error)
            raise ValueError(f"ONNX Runtime cannot open {folder.name}/{path.name}: {reason}") from None

    @staticmethod
    def reason(error: Exception) -> str:
        """See `GraphModel`. Some errors carry a stack below their first line."""
        return str(error).strip().partition("\n")[0]


def session_options(config: Config) -> onnxruntime.SessionOptions:
    """Threads by the parameters of Triton's native backend, `intra_op_thread_count` and `inter_op_thread_count`.

    Raises:
        ValueError: a parameter is no count.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count(config, "intra_op_thread_count")
    options.inter_op_num_threads = thread_count(config, "inter_op_thread_count")
    # Idle threads of ONNX Runtime spin for a while by default. Here several processes (one per model instance, the
    # services beside them) share the cores: a thread that spins takes the core from another model's real work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _declared(node: Any) -> Declared:
    shape = [axis if isinstance(axis, int) else -1 for axis in node.shape]
    return Declared(TYPES.get(node.type, node.type), shape)
