"""The model repository in this process with ONNX Runtime, as a `ModelServer`: for machines where Triton does not run.

Reads what Triton reads: `<model>/config.pbtxt`, `<model>/<version>/model.onnx`, ensembles step by step.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnxruntime
from google.protobuf import text_format
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2

from flawgate_contracts.errors import DeadlineExceeded, ModelFailure, RecipeUnavailable
from flawgate_decision.model_server import ServedModel, Tensors

_VERSION = re.compile(r"^[1-9][0-9]*$")


class OnnxModelServer:
    """Opens every model of a repository folder once, at its making.

    A model that cannot be opened is listed with the reason; the others are served.
    """

    def __init__(self, repository: Path, *, threads: int = 0) -> None:
        self._threads = threads
        self._configs: dict[str, Any] = {}
        self._versions: dict[str, str] = {}
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}
        self._broken: dict[str, str] = {}
        # One inference at a time: ONNX Runtime spreads it over the cores by itself.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="onnxruntime")
        for folder in sorted(path.parent for path in repository.glob("*/config.pbtxt")):
            try:
                self._open(folder)
            except Exception as err:  # noqa: BLE001  # ONNX Runtime raises classes of its own, none of them public
                self._broken[folder.name] = str(err)

    def _open(self, folder: Path) -> None:
        config = text_format.Parse((folder / "config.pbtxt").read_text("utf-8"), model_config_pb2.ModelConfig())
        versions = [path.name for path in folder.iterdir() if path.is_dir() and _VERSION.match(path.name)]
        if not versions:
            raise FileNotFoundError("it has no version folder")
        version = max(versions, key=int)
        if config.platform != "ensemble":
            self._sessions[folder.name] = self._session(folder / version / "model.onnx")
        self._configs[folder.name] = config
        self._versions[folder.name] = version

    def _session(self, path: Path) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        served = [self._served(name) for name in self._configs]
        broken = [ServedModel(name, "", ready=False, detail=reason) for name, reason in self._broken.items()]
        return sorted(served + broken, key=lambda model: model.name)

    def _served(self, name: str) -> ServedModel:
        missing = [step.model_name for step in self._steps(name) if step.model_name not in self._sessions]
        if missing:
            return ServedModel(name, "", ready=False, detail=f"it needs {', '.join(missing)}, which is not loaded")
        parameters = {key: value.string_value for key, value in self._configs[name].parameters.items()}
        return ServedModel(name, self._versions[name], ready=True, parameters=parameters)

    def _steps(self, name: str) -> Sequence[Any]:
        return list(self._configs[name].ensemble_scheduling.step)

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`. An inference that has begun runs to its end, even past its time."""
        if self._versions.get(model) != version:
            raise RecipeUnavailable(f"Version {version} of model {model} is not loaded.")
        work = asyncio.get_running_loop().run_in_executor(self._executor, self._run, model, inputs, outputs)
        try:
            return await asyncio.wait_for(work, timeout_s)
        except TimeoutError as err:
            raise DeadlineExceeded(f"The deadline passed while model {model} was at work; allow more time.") from err

    def _run(self, model: str, inputs: Tensors, outputs: Sequence[str]) -> dict[str, NDArray[Any]]:
        if model in self._sessions:
            return self._run_session(model, inputs, outputs)
        tensors: dict[str, NDArray[Any]] = dict(inputs)
        for step in self._steps(model):
            given = {name: tensors[source] for name, source in step.input_map.items()}
            answers = self._run_session(step.model_name, given, list(step.output_map))
            tensors.update({target: answers[name] for name, target in step.output_map.items()})
        return {name: tensors[name] for name in outputs}

    def _run_session(
        self, model: str, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        try:
            answers = self._sessions[model].run(list(outputs), dict(inputs))
        except Exception as err:
            raise ModelFailure(f"ONNX Runtime failed on model {model}: {err}") from err
        return dict(zip(outputs, answers, strict=True))

    async def close(self) -> None:
        """See `ModelServer.close`."""
        self._executor.shutdown(wait=True, cancel_futures=True)
