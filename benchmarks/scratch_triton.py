"""A real Triton on a repository that grows while it runs: models are loaded one by one and let go again."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from flawgate_cli.local_cluster.layout import Ports, ProcessSpec
from flawgate_cli.local_cluster.process import Process
from flawgate_contracts.errors import ModelFailure, Unavailable

PYTHON = Path("services/triton/.venv/bin/python")
START_TIMEOUT_S = 60.0
LOAD_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0

T = TypeVar("T")


class ScratchTriton:
    """Serves a folder, in explicit model control.

    Args:
        repository: need not hold anything yet.
        ports: where it listens; None for ports that nobody listens on just now.
    """

    def __init__(self, repository: Path, ports: Ports | None = None) -> None:
        ports = ports or Ports.free()
        command = [str(PYTHON), "-m", "flawgate_triton", "--model-repository", str(repository)]
        command += ["--model-control", "explicit", "--model-config-name", "cpu"]
        command += ["--http-port", str(ports.triton_http), "--grpc-port", str(ports.triton_grpc)]
        command += ["--metrics-port", str(ports.triton_metrics)]
        (repository / "placeholder").mkdir(parents=True, exist_ok=True)  # the launcher refuses an empty repository
        self._process = Process(ProcessSpec("triton", command, {}), lambda _name, _line: None)
        self._client = InferenceServerClient(f"127.0.0.1:{ports.triton_grpc}")

    def __enter__(self) -> Self:
        """Wait until it answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                if self._client.is_server_ready():
                    return self
            except InferenceServerException:
                time.sleep(0.2)
        self.__exit__(None, None, None)
        raise Unavailable("Triton did not start; try `python -m flawgate_triton` by hand to see why.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._client.close()
        self._process.terminate()
        self._process.end(STOP_TIMEOUT_S)

    def serving(self, recipe: str, work: Callable[[], T]) -> T:
        """Do something while a recipe and its models are loaded.

        Raises:
            ModelFailure: Triton cannot load it, or answers with an error.
        """
        try:
            self._client.load_model(recipe, client_timeout=LOAD_TIMEOUT_S)
            return work()
        except InferenceServerException as err:
            raise ModelFailure(f"Triton: {err.message()}") from err
        finally:
            self._client.unload_model(recipe, unload_dependents=True)

    def answers(self, recipe: str, frames: NDArray[np.uint8], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """What the recipe's ensemble says of (n, C, h, w), uint8."""
        given = InferInput("frame", list(frames.shape), "UINT8")
        given.set_data_from_numpy(frames)
        result = self._client.infer(
            recipe, [given], outputs=[InferRequestedOutput(name) for name in names], client_timeout=LOAD_TIMEOUT_S
        )
        return {name: result.as_numpy(name) for name in names}
