"""What every backend of ours does with a graph: it answers Triton's requests, in batches, each with its own error.

Triton loads a backend's `model.py` into a worker process per model instance; there, and only there, this is imported.
"""

import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from flawgate_triton.graph import Array, Config, Graph, check_against_graph


class GraphModel(ABC):
    """One instance of one model version; `initialize`, `execute` and `finalize` are what Triton calls."""

    @staticmethod
    @abstractmethod
    def open(config: Config, folder: Path) -> Graph:
        """Opens the graph in `folder`, `<model>/<version>`. Raises `ValueError` with one sentence where it cannot."""

    @staticmethod
    @abstractmethod
    def reason(error: Exception) -> str:
        """What a runtime's exception says, in one line."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Opens the graph and compares it with config.pbtxt.

        Args:
            args: `model_config` (JSON), `model_name`, `model_version`, `model_repository` (the model's own folder).

        Raises:
            TritonModelException: the graph cannot be opened, or does not fit its config.pbtxt.
        """
        config = json.loads(args["model_config"])
        try:
            self._graph = self.open(config, Path(args["model_repository"]) / args["model_version"])
            check_against_graph(config, self._graph)
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
                reason = f"a batch of {len(requests)} requests failed, now each alone: {self.reason(error)}"
                pb_utils.Logger.log_warn(f"model {self._name!r}: {reason}")
        return [self._answer_alone(request) for request in requests]

    def finalize(self) -> None:
        """Frees the graph."""
        del self._graph

    def _answer_alone(self, request: Any) -> Any:
        """The response to one request; an error becomes its error response."""
        try:
            return self._answer([request])[0]
        except Exception as error:  # noqa: BLE001 - the runtimes' exceptions have no common base below Exception
            message = f"model {self._name!r}: {self.reason(error)}"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message))

    def _answer(self, requests: Sequence[Any]) -> list[Any]:
        """The responses to the requests, from one run of the graph over all of them."""
        feeds = [self._feed(request) for request in requests]
        requested = [request.requested_output_names() for request in requests]
        outputs = self._graph.run(_join(feeds), list(dict.fromkeys(name for names in requested for name in names)))
        sizes = [len(next(iter(feed.values()))) for feed in feeds] if self._batches else None
        parts = _split(outputs, sizes)
        return [_response({name: part[name] for name in names}) for part, names in zip(parts, requested, strict=True)]

    def _feed(self, request: Any) -> dict[str, Array]:
        """The request's inputs by name."""
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}


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
