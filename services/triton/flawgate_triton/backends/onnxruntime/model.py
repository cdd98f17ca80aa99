"""Triton's `backend: "onnxruntime"`, written as a Python-based backend: `<model>/<version>/model.onnx` on the CPU.

It reads the same config.pbtxt as Triton's native ONNX Runtime backend, so one model repository serves both. Triton
loads this one file into a worker process per model instance; it may import nothing else of this package.
"""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import triton_python_backend_utils as pb_utils

Array = npt.NDArray[Any]

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

THREADS_VARIABLE = "FLAWGATE_TRITON_THREADS"
"""Set by the launcher's `--threads`."""


class TritonPythonModel:
    """One instance of one model version; the name and the three methods are what Triton calls."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Opens the graph and compares it with config.pbtxt.

        Args:
            args: `model_config` (JSON), `model_name`, `model_version`, `model_repository` (the model's own folder).

        Raises:
            TritonModelException: the graph cannot be opened, or does not fit its config.pbtxt.
        """
        config = json.loads(args["model_config"])
        try:
            self._session = open_session(config, Path(args["model_repository"]) / args["model_version"])
            check_against_graph(config, self._session)
        except ValueError as error:
            raise pb_utils.TritonModelException(f"model {args['model_name']!r}: {error}") from None
        self._name = args["model_name"]
        self._batches = config["max_batch_size"] > 0
        self._inputs = [tensor["name"] for tensor in config["input"]]

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers the requests that Triton's dynamic batcher put together, each with its outputs or its own error."""
        if self._batches and len(requests) > 1:
            try:
                return self._answer(requests)
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one of them: see below
                reason = f"a batch of {len(requests)} requests failed, now each alone: {first_line(error)}"
                pb_utils.Logger.log_warn(f"model {self._name!r}: {reason}")
        return [self._answer_alone(request) for request in requests]

    def finalize(self) -> None:
        """Frees the graph."""
        del self._session

    def _answer_alone(self, request: Any) -> Any:
        """The response to one request; an error becomes its error response."""
        try:
            return self._answer([request])[0]
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's exceptions have no common base below Exception
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"model {self._name!r}: {first_line(error)}"))

    def _answer(self, requests: Sequence[Any]) -> list[Any]:
        """The responses to the requests, from one run of the graph over all of them."""
        feeds = [self._feed(request) for request in requests]
        requested = [request.requested_output_names() for request in requests]
        outputs = self._run(_join(feeds), list(dict.fromkeys(name for names in requested for name in names)))
        sizes = [len(next(iter(feed.values()))) for feed in feeds] if self._batches else None
        parts = _split(outputs, sizes)
        return [_response({name: part[name] for name in names}) for part, names in zip(parts, requested, strict=True)]

    def _feed(self, request: Any) -> dict[str, Array]:
        """The request's inputs by name."""
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}

    def _run(self, feed: dict[str, Array], names: list[str]) -> dict[str, Array]:
        """The outputs `names` alone are handed out; ONNX Runtime computes the whole graph for them all the same."""
        return dict(zip(names, self._session.run(names, feed), strict=True))


def _join(feeds: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The requests' inputs, each joined along the batch axis. A lone request is passed on as it is, uncopied."""
    if len(feeds) == 1:
        return dict(feeds[0])
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}


def _split(outputs: Mapping[str, Array], sizes: Sequence[int] | None) -> list[dict[str, Array]]:
    """The outputs of each request as views, no copies.

    Args:
        outputs: by name, (N, ...) for a batch of N.
        sizes: the batch size of each request, together N; None where the model knows no batch.

    Raises:
        ValueError: an output has not N rows, so nobody could tell which belong to whom.
    """
    if sizes is None:
        return [dict(outputs)]
    ends = list(itertools.accumulate(sizes))
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != ends[-1]:
            raise ValueError(f"output {name!r} has the shape {list(array.shape)}, not {ends[-1]} rows for its batch")
    rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    return [{name: array[row] for name, array in outputs.items()} for row in rows]


def _response(outputs: Mapping[str, Array]) -> Any:
    """Triton copies each output once, into shared memory; `Tensor.from_dlpack` would end the stub of this wheel."""
    return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in outputs.items()])


def open_session(config: Mapping[str, Any], folder: Path) -> onnxruntime.InferenceSession:
    """Opens the ONNX file of a model version.

    Args:
        config: the model's configuration as Triton hands it over.
        folder: `<model>/<version>`.

    Raises:
        ValueError: the file is missing or broken, or a thread count is none.
    """
    path = folder / (config.get("default_model_filename") or "model.onnx")
    if not path.is_file():
        raise ValueError(f"{folder.name}/{path.name} does not exist: export the model into the repository.")
    options = session_options(config)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's exceptions have no common base below Exception
        raise ValueError(f"ONNX Runtime cannot open {folder.name}/{path.name}: {first_line(error)}") from None


def session_options(config: Mapping[str, Any]) -> onnxruntime.SessionOptions:
    """Threads by the parameters of Triton's native backend, `intra_op_thread_count` and `inter_op_thread_count`.

    Absent or 0 means the launcher's `--threads`, and without it one thread per core that this process may use.

    Raises:
        ValueError: a parameter is no count.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _thread_count(config, "intra_op_thread_count")
    options.inter_op_num_threads = _thread_count(config, "inter_op_thread_count")
    # Idle threads of ONNX Runtime spin for a while by default. Here several processes (one per model instance, the
    # services beside them) share the cores: a thread that spins takes the core from another model's real work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _thread_count(config: Mapping[str, Any], name: str) -> int:
    text = config.get("parameters", {}).get(name, {}).get("string_value", "0")
    if not text.isdecimal():
        raise ValueError(f"the parameter {name} in config.pbtxt is {text!r}, it must be a whole number from 0 on.")
    return int(text) or int(os.environ.get(THREADS_VARIABLE, "0")) or len(os.sched_getaffinity(0))


def check_against_graph(config: Mapping[str, Any], session: onnxruntime.InferenceSession) -> None:
    """Compares names, dtypes and fixed axes, so that no tensor is ever cast or reshaped in silence.

    The graph may have outputs that config.pbtxt does not offer, and free axes where config.pbtxt fixes them.

    Raises:
        ValueError: they differ; names the tensor, what config.pbtxt says and what the graph says.
    """
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: node for node in session.get_outputs()}
    batch_axis = [-1] if config["max_batch_size"] > 0 else []
    for kind, nodes in (("input", inputs), ("output", outputs)):
        for tensor in config[kind]:
            _check_tensor(kind, tensor, batch_axis, nodes)
    for name in inputs.keys() - {tensor["name"] for tensor in config["input"]}:
        raise ValueError(f"the graph needs the input {name!r}, which config.pbtxt does not name.")


def _check_tensor(kind: str, tensor: Mapping[str, Any], batch_axis: list[int], nodes: Mapping[str, Any]) -> None:
    name = tensor["name"]
    if name not in nodes:
        raise ValueError(f"config.pbtxt names the {kind} {name!r}, the graph has {', '.join(nodes)}.")
    if tensor.get("reshape") or tensor.get("optional"):
        raise ValueError(f"config.pbtxt gives the {kind} {name!r} a reshape or makes it optional; neither is served.")
    node = nodes[name]
    declared = [*batch_axis, *map(int, tensor["dims"])]
    actual = [axis if isinstance(axis, int) else -1 for axis in node.shape]
    same_shape = len(declared) == len(actual) and all(a in (-1, d) for d, a in zip(declared, actual, strict=True))
    if TYPES.get(node.type) != tensor["data_type"] or not same_shape:
        raise ValueError(
            f"the {kind} {name!r} is {tensor['data_type']} {declared} in config.pbtxt, "
            f"but {TYPES.get(node.type, node.type)} {actual} in the graph (-1: any size)."
        )


def first_line(error: Exception) -> str:
    """An exception's text without the stack that some carry below it."""
    return str(error).strip().partition("\n")[0]
