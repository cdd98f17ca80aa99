"""The model repository in this process with ONNX Runtime, as a `ModelServer`: for machines where Triton does not run.

Reads what Triton reads: `<model>/config.pbtxt`, `<model>/<version>/model.onnx`, ensembles step by step.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from flawgate_contracts.errors import DeadlineExceeded, ModelFailure, RecipeUnavailable
from flawgate_inference.model_server import ServedModel, Tensors
from flawgate_inference.onnx_models import Models, look_of, opened


class OnnxModelServer:
    """Opens the models of a repository folder, in the versions that their config.pbtxt names.

    A model that cannot be opened is listed with the reason; the others are served. Where a configuration is another one
    than before, e.g. since a version was promoted, the next call of `models` takes it up.
    """

    def __init__(self, repository: Path, *, threads: int = 0, names: Collection[str] | None = None) -> None:
        """Opens them.

        Args:
            repository: its folder.
            threads: of one inference; 0 for all cores.
            names: of the models and ensembles that are wanted, so that others cost no memory; None for all.
        """
        self._repository = repository
        self._names = None if names is None else frozenset(names)
        self._threads = threads
        # One inference at a time: ONNX Runtime spreads it over the cores by itself.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="onnxruntime")
        self._look = look_of(repository, self._names)
        self._models = opened(repository, self._names, threads, Models())

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        look = await asyncio.to_thread(look_of, self._repository, self._names)
        if look != self._look:
            await self._open_again()
            self._look = look
        return self._models.served()

    async def load(self, model: str) -> None:
        """See `ControlledServer.load`."""
        await self._open_again()
        fault = self._models.fault(model)
        if fault:
            raise ModelFailure(f"ONNX Runtime cannot load model {model}: {fault.rstrip('.')}.")

    async def _open_again(self) -> None:
        """Inferences that have begun keep their sessions, which go when the last of them is done."""
        loop = asyncio.get_running_loop()
        self._models = await loop.run_in_executor(
            self._executor, opened, self._repository, self._names, self._threads, self._models
        )

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`. An inference that has begun runs to its end, even past its time."""
        models = self._models
        if not models.has(model, version):
            raise RecipeUnavailable(f"Version {version} of model {model} is not loaded.")
        work = asyncio.get_running_loop().run_in_executor(
            self._executor, _run, models, (model, version), inputs, outputs
        )
        try:
            return await asyncio.wait_for(work, timeout_s)
        except TimeoutError as err:
            raise DeadlineExceeded(f"The deadline passed while model {model} was at work; allow more time.") from err

    async def close(self) -> None:
        """See `ModelServer.close`."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _run(models: Models, model: tuple[str, str], inputs: Tensors, outputs: Sequence[str]) -> dict[str, NDArray[Any]]:
    """A model by itself, or an ensemble step by step."""
    session = models.sessions.get(model)
    if session is not None:
        return _run_session(session, model[0], inputs, outputs)
    tensors: dict[str, NDArray[Any]] = dict(inputs)
    for step in models.steps(model[0]):
        given = {name: tensors[source] for name, source in step.input_map.items()}
        answers = _run_session(models.sessions[models.called(step)], step.model_name, given, list(step.output_map))
        tensors.update({target: answers[name] for name, target in step.output_map.items()})
    return {name: tensors[name] for name in outputs}


def _run_session(
    session: onnxruntime.InferenceSession, model: str, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]
) -> dict[str, NDArray[Any]]:
    try:
        answers = session.run(list(outputs), dict(inputs))
    except Exception as err:
        raise ModelFailure(f"ONNX Runtime failed on model {model}: {err}") from err
    return dict(zip(outputs, answers, strict=True))
