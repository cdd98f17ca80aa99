"""A real Triton, started as a user starts it, on model repositories that are written here with `onnx.helper`."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
import tritonclient.grpc
from onnx import helper
from support.ports import free_port

PYTHON = Path(__file__).parents[2] / "services" / "triton" / ".venv" / "bin" / "python"
STOP_TIMEOUT_S = 30

DTYPES = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
}

Tensor = tuple[str, str, list[int]]
"""Name, Triton's data type, dimensions without the batch axis (-1: any size)."""


class Launcher:
    """One `python -m flawgate_triton` on ports of its own, with a temporary folder of its own."""

    def __init__(self, repository: Path, folder: Path, arguments: Sequence[str], wrapper: Sequence[str]) -> None:
        self.http_port, self.grpc_port, self.metrics_port = (free_port() for _ in range(3))
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._stderr = folder / "stderr.log"
        ports = (self.http_port, self.grpc_port, self.metrics_port)
        options = [f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics"), ports, strict=True)]
        with self._stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                [
                    *wrapper,
                    str(PYTHON),
                    "-m",
                    "flawgate_triton",
                    f"--model-repository={repository}",
                    *options,
                    *arguments,
                ],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "TMPDIR": str(self.temporary)},
                text=True,
            )

    def wait_until_ready(self) -> str:
        """The launcher's first line; empty where it ended instead."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def sentences(self) -> list[str]:
        """What the launcher itself has said on stderr, without its name before it."""
        prefix = "flawgate_triton: "
        return [line.removeprefix(prefix) for line in self.log().splitlines() if line.startswith(prefix)]

    def log(self) -> str:
        """All of stderr: Triton's log and the launcher's sentences."""
        return self._stderr.read_text()

    def descendants(self) -> list[psutil.Process]:
        """The guard, tritonserver and its stubs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal, waits for the launcher's end and returns its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(STOP_TIMEOUT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


Launch = Callable[..., Launcher]
WriteModel = Callable[..., Path]


@pytest.fixture(scope="session")
def triton_python() -> Path:
    """The Python of services/triton."""
    if not PYTHON.exists():
        pytest.skip("services/triton is not installed: run `uv sync` in that folder")
    return PYTHON


@pytest.fixture(scope="module")
def launch(triton_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Starts a launcher on a repository with further options, under a `wrapper` command; stopped after the module."""
    with ExitStack() as stack:

        def start(repository: Path, *arguments: str, wrapper: Sequence[str] = ()) -> Launcher:
            launcher = Launcher(repository, tmp_path_factory.mktemp("launcher"), arguments, wrapper)
            stack.callback(launcher.stop)
            return launcher

        yield start


@pytest.fixture(scope="module")
def launcher(launch: Launch, repository: Path) -> Launcher:
    """A ready Triton on the module's own `repository`."""
    launcher = launch(repository, "--threads=2")
    assert launcher.wait_until_ready().startswith("flawgate_triton: ready on http 127.0.0.1:"), launcher.log()
    return launcher


@pytest.fixture(scope="module")
def client(launcher: Launcher) -> Iterator[Any]:
    """A gRPC client of the ready Triton."""
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{launcher.grpc_port}") as client:
        yield client


@pytest.fixture(scope="session")
def write_model() -> WriteModel:
    """Writes `<repository>/<name>/{config.pbtxt,1/model.onnx}` and returns the model's folder."""
    return _write_model


def _write_model(
    repository: Path,
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    *,
    backend: str = "onnxruntime",
    max_batch_size: int = 8,
    constants: Sequence[onnx.TensorProto] = (),
    extra: str = "",
) -> Path:
    batch = ["n"] if max_batch_size else []
    graph = helper.make_graph(
        nodes, name, [_value(t, batch) for t in inputs], [_value(t, batch) for t in outputs], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    folder = repository / name
    (folder / "1").mkdir(parents=True)
    onnx.save(model, folder / "1" / "model.onnx")
    lines = [f'name: "{name}"', f'backend: "{backend}"', f"max_batch_size: {max_batch_size}"]
    lines += [f"input [{{ {_declared(tensor)} }}]" for tensor in inputs]
    lines += [f"output [{{ {_declared(tensor)} }}]" for tensor in outputs]
    (folder / "config.pbtxt").write_text("\n".join([*lines, "instance_group [{ count: 1 }]", extra]))
    return folder


def _declared(tensor: Tensor) -> str:
    name, data_type, dims = tensor
    return f'name: "{name}" data_type: {data_type} dims: {dims}'


def _value(tensor: Tensor, batch: list[str]) -> onnx.ValueInfoProto:
    name, data_type, dims = tensor
    axes = [f"{name}_{axis}" if size == -1 else size for axis, size in enumerate(dims)]
    data_type_number = helper.np_dtype_to_tensor_dtype(np.dtype(DTYPES[data_type]))
    return helper.make_tensor_value_info(name, data_type_number, [*batch, *axes])
