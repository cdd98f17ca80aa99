"""A model server whose calls are counted and timed."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from flawgate_contracts.errors import FlawgateError, InternalError
from flawgate_contracts.metrics.models import CANCELLED, OK, ModelServerMetrics
from flawgate_inference.model_server import ModelServer, ServedModel, Tensors


class ObservedModelServer:
    """Any `ModelServer`, and what becomes of its inferences."""

    def __init__(self, server: ModelServer, metrics: ModelServerMetrics) -> None:
        self._server = server
        self._metrics = metrics

    async def models(self) -> Sequence[ServedModel]:
        """See `ModelServer.models`."""
        return await self._server.models()

    async def infer(
        self, model: str, version: str, inputs: Tensors, outputs: Sequence[str], *, timeout_s: float
    ) -> dict[str, NDArray[Any]]:
        """See `ModelServer.infer`."""
        started, code = time.perf_counter(), InternalError.reason
        try:
            answers = await self._server.infer(model, version, inputs, outputs, timeout_s=timeout_s)
            code = OK
        except FlawgateError as error:
            code = error.reason
            raise
        except asyncio.CancelledError:
            code = CANCELLED
            raise
        finally:
            self._metrics.observe(model, version, code, time.perf_counter() - started)
        return answers

    async def close(self) -> None:
        """See `ModelServer.close`."""
        await self._server.close()
