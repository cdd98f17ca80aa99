"""Triton over gRPC, as a `ModelServer`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from flawgate_contracts.context import current_context
from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InvalidParameter,
    ModelFailure,
    ModelServerUnavailable,
    RecipeUnavailable,
)
from flawgate_contracts.tls.calling import LONGEST_CALL_S, Renewed
from flawgate_contracts.tls.kept import KeptTls
from flawgate_inference.model_server import ServedModel, Tensors

READY = "READY"
PROBE_TIMEOUT_S = 5.0
LOAD_TIMEOUT_S = 300.0
"""For a model to be loaded and warmed in all its versions: a GPU takes minutes over a large plan."""

MAX_LOOKS = 5
"""How often the list of models is asked for while versions come and go under it."""


class TritonModelServer:
    """Talks to Triton's gRPC port."""

    def __init__(self, target: str, *, max_message_bytes: int, tls: KeptTls | None = None) -> None:
        self._target = target
        arguments = [
            ("grpc.max_send_message_length", max_message_bytes),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 1_000),
        ]
        self._clients = Renewed(
            tls,
            lambda credentials: InferenceServerClient(target, creds=credentials, channel_args=arguments),
            _retire,
            _close,
        )

    @property
    def _client(self) -> InferenceServerClient:
        """The one for calls that begin now."""
        return self._clients.current()

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        for _ in range(MAX_LOOKS - 1):
            try:
                return await self._look()
            except RecipeUnavailable:
                # A version was promoted between the list and the question for its configuration.
                continue
        return await self._look()

    async def _look(self) -> Sequence[ServedModel]:
        try:
            index = await self._client.get_model_repository_index(client_timeout=PROBE_TIMEOUT_S)
            return await asyncio.gather(*(self._model(entry) for entry in _newest(index.models)))
        except InferenceServerException as err:
            raise self._look_error(err) from err

    async def _model(self, entry: Any) -> ServedModel:
        if entry.state != READY:
            return ServedModel(entry.name, "", ready=False, detail=entry.reason)
        answer = await self._client.get_model_config(entry.name, entry.version, client_timeout=PROBE_TIMEOUT_S)
        parameters = {key: value.string_value for key, value in answer.config.parameters.items()}
        return ServedModel(entry.name, entry.version, ready=True, parameters=parameters)

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        try:
            result = await self._client.infer(
                model,
                [_input(name, values) for name, values in inputs.items()],
                model_version=version,
                outputs=[InferRequestedOutput(name) for name in outputs],
                client_timeout=timeout_s,
                headers=current_context().metadata_for_triton(),
            )
        except InferenceServerException as err:
            raise self._error(f"model {model}", err) from err
        return {name: result.as_numpy(name) for name in outputs}

    async def load(self, model: str) -> None:
        """See `ControlledServer.load`. What was loaded before goes on until the new is ready, or if that fails."""
        try:
            await self._client.load_model(model, client_timeout=LOAD_TIMEOUT_S)
        except InferenceServerException as err:
            raise self._load_error(model, err) from err

    async def close(self) -> None:
        """See `ModelServer.close`."""
        await self._clients.close()

    def _look_error(self, error: InferenceServerException) -> FlawgateError:
        """A look has no caller who could allow more time."""
        if str(error.status()) == "StatusCode.DEADLINE_EXCEEDED":
            return ModelServerUnavailable(
                f"The model server at {self._target} does not answer within {PROBE_TIMEOUT_S:.0f} s; start it again if "
                "that lasts.",
                {"target": self._target},
            )
        return self._error("its repository", error)

    def _load_error(self, model: str, error: InferenceServerException) -> FlawgateError:
        said = str(error.message()).strip().rstrip(";").strip()
        if "explicit model load" in said:
            return InvalidParameter(
                f"Triton at {self._target} lets nobody load models: start it with --model-control-mode=explicit and "
                "--load-model=*, as `flawgate up` does.",
                {"field": "triton"},
            )
        if str(error.status()) in {"StatusCode.INVALID_ARGUMENT", "StatusCode.INTERNAL"}:
            return ModelFailure(f"Triton at {self._target} cannot load model {model}: {said}.")
        if str(error.status()) == "StatusCode.UNAVAILABLE":
            return ModelServerUnavailable(
                f"The model server at {self._target} went away before it had loaded model {model}; start it again.",
                {"target": self._target},
            )
        return self._error(f"model {model}", error)

    def _error(self, subject: str, error: InferenceServerException) -> FlawgateError:
        """What Triton's status stands for."""
        code, said = str(error.status()), str(error.message())
        if "unknown model" in said or "is not ready" in said:
            return RecipeUnavailable(f"Triton has not loaded {subject}: {said}.")
        sentences: Mapping[str, FlawgateError] = {
            "StatusCode.UNAVAILABLE": ModelServerUnavailable(
                f"The model server at {self._target} does not answer; it is asked again every few seconds.",
                {"target": self._target},
            ),
            "StatusCode.DEADLINE_EXCEEDED": DeadlineExceeded(
                f"The deadline passed while Triton was at work on {subject}; allow more time."
            ),
        }
        return sentences.get(code, ModelFailure(f"Triton failed on {subject}: {said}"))


async def _retire(client: InferenceServerClient) -> None:
    """Unlike a channel, it has no way to close once its calls have ended."""
    await asyncio.sleep(LONGEST_CALL_S)
    await client.close()


async def _close(client: InferenceServerClient) -> None:
    await client.close()


def _newest(entries: Sequence[Any]) -> list[Any]:
    """One entry a model: the newest version that is ready, or else the newest.

    A hidden folder, e.g. one in which a version is being prepared, is no model, although Triton lists it.
    """
    newest: dict[str, Any] = {}
    visible = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in sorted(visible, key=lambda entry: (entry.state == READY, int(entry.version or 0))):
        newest[entry.name] = entry
    return [newest[name] for name in sorted(newest)]


def _input(name: str, values: NDArray[Any]) -> Any:
    tensor = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
    tensor.set_data_from_numpy(np.ascontiguousarray(values))
    return tensor
