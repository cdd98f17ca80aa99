"""Triton's `backend: "openvino"`, written as a Python-based backend: `<model>/<version>/model.xml` on the CPU.

It reads the same config.pbtxt as Triton's native OpenVINO backend, so one model repository serves both; an ONNX file is
served where `default_model_filename` names it.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from flawgate_triton.graph import Array, Config, Declared, model_file, parameter, thread_count
from flawgate_triton.graph_model import GraphModel

# Where that package is installed after all, `import openvino` would report to Intel; an empty one in its place is
# taken for its absence.
sys.modules["openvino_telemetry"] = ModuleType("openvino_telemetry")

import openvino  # noqa: E402 - see above

TYPES = {
    openvino.Type.boolean: "TYPE_BOOL",
    openvino.Type.u8: "TYPE_UINT8",
    openvino.Type.u16: "TYPE_UINT16",
    openvino.Type.i8: "TYPE_INT8",
    openvino.Type.i16: "TYPE_INT16",
    openvino.Type.i32: "TYPE_INT32",
    openvino.Type.f16: "TYPE_FP16",
    openvino.Type.f32: "TYPE_FP32",
}
"""Triton's name of a dtype by OpenVINO's. Wider numbers are not served: its CPU plugin computes them as narrower
ones, and of 64 bits of an integer 32 come back."""

NOT_SERVED = ("CPU_EXTENSION_PATH", "RESHAPE_IO_LAYERS")
"""Parameters of the native backend that would change the graph. Those that say how batches are formed or how it is
compiled (SKIP_OV_DYNAMIC_BATCHSIZE, ENABLE_BATCH_PADDING, COMPILATION_NUM_THREADS) change no answer and are not needed:
every batch is run as it is."""


class OpenVinoGraph:
    """A model file, compiled by OpenVINO: once for a frame alone, which is faster, and once for any batch.

    Args:
        path: of the file: OpenVINO's own format, or ONNX.
        properties: of the compilation.
        batches: whether the first axis of every input is the batch.
    """

    def __init__(self, path: Path, properties: Mapping[str, Any], *, batches: bool) -> None:
        core = openvino.Core()
        model = core.read_model(path)
        self._any = core.compile_model(model, "CPU", properties).create_infer_request()
        self._one = self._any
        self.inputs = {port.any_name: _declared(port) for port in model.inputs}
        self.outputs = {name: _declared(port) for port in model.outputs for name in port.names}
        if batches and all(declared.shape[:1] == [-1] for declared in self.inputs.values()):
            model.reshape({name: [1, *declared.shape[1:]] for name, declared in self.inputs.items()})
            self._one = core.compile_model(model, "CPU", properties).create_infer_request()

    def run(self, feed: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """See `Graph`."""
        alone = all(array.shape[:1] == (1,) for array in feed.values())
        request = self._one if alone else self._any
        request.infer(dict(feed), share_inputs=True, share_outputs=True)
        return {name: request.get_tensor(name).data.copy() for name in names}


class TritonPythonModel(GraphModel):
    """The name that Triton looks for."""

    @staticmethod
    def open(config: Config, folder: Path) -> OpenVinoGraph:
        """See `GraphModel`."""
        path = model_file(config, folder, "model.xml")
        chosen = properties(config)
        try:
            return OpenVinoGraph(path, chosen, batches=config["max_batch_size"] > 0)
        except Exception as error:  # noqa: BLE001 - OpenVINO raises several kinds, RuntimeError among them
            reason = TritonPythonModel.reason(error)
            raise ValueError(f"OpenVINO cannot open {folder.name}/{path.name}: {reason}") from None

    @staticmethod
    def reason(error: Exception) -> str:
        """See `GraphModel`. OpenVINO begins with the places in its own sources that the error came through."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("Exception from ", "Check '"))]
        return next(iter([*told, *lines]), type(error).__name__)


def properties(config: Config) -> dict[str, Any]:
    """Of the compilation, by the parameters of Triton's native backend.

    Raises:
        ValueError: a parameter has a value that it cannot have, or is not served here.
    """
    for name in NOT_SERVED:
        if parameter(config, name).lower() not in ("", "no"):
            raise ValueError(f"config.pbtxt sets the parameter {name}, which is not served: leave it out.")
    _choice(config, "TARGET_DEVICE", ("CPU",))
    bf16 = _choice(config, "HINT_BF16", ("YES",))
    streams = parameter(config, "NUM_STREAMS").upper() or "1"
    if streams not in ("AUTO", "NUMA") and not streams.isdecimal():
        raise ValueError(f"the parameter NUM_STREAMS in config.pbtxt is {streams!r}, it must be AUTO, NUMA or a count.")
    return {
        "PERFORMANCE_HINT": _choice(config, "PERFORMANCE_HINT", ("LATENCY", "THROUGHPUT")) or "LATENCY",
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": thread_count(config, "INFERENCE_NUM_THREADS"),
        # By itself OpenVINO computes float32 graphs with bfloat16 where the CPU can: other answers on other machines.
        "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
        # Every instance is a process of its own, and pinned threads of several would meet on the first cores.
        "ENABLE_CPU_PINNING": False,
    }


def _choice(config: Config, name: str, allowed: Sequence[str]) -> str:
    """A parameter's value in capitals; empty where it is absent."""
    value = parameter(config, name).upper()
    if value not in ("", *allowed):
        raise ValueError(f"the parameter {name} in config.pbtxt is {value!r}, it must be {' or '.join(allowed)}.")
    return value


def _declared(port: Any) -> Declared:
    shape = [axis.get_length() if axis.is_static else -1 for axis in port.partial_shape]
    kind = port.element_type
    return Declared(
        TYPES.get(kind, f"{kind.get_type_name()} (not served: OpenVINO computes it as another type)"), shape
    )
