"""Asking a real Triton by its own gRPC client."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

Arrays = Mapping[str, npt.NDArray[Any]]

COUNTED_TIMEOUT_S = 30.0

BATCH_OF_FOUR = "dynamic_batching { preferred_batch_size: [4] max_queue_delay_microseconds: 2000000 }"
"""For config.pbtxt: four requests are one batch, and a lone one waits two seconds for others."""


def infer(client: Any, model: str, inputs: Arrays, outputs: Sequence[str] = ()) -> dict[str, npt.NDArray[Any]]:
    """The answer of `model` by output name; all outputs unless some are named."""
    sent = []
    for name, array in inputs.items():
        sent.append(tritonclient.grpc.InferInput(name, array.shape, np_to_triton_dtype(array.dtype)))
        sent[-1].set_data_from_numpy(array)
    wanted = [tritonclient.grpc.InferRequestedOutput(name) for name in outputs] or None
    answer = client.infer(model, sent, outputs=wanted)
    return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}


def infer_at_once(client: Any, model: str, requests: Sequence[Arrays]) -> list[Any]:
    """The answers to requests sent at the same time; an exception stands where one failed."""

    def one(inputs: Arrays) -> Any:
        try:
            return infer(client, model, inputs)
        except InferenceServerException as error:
            return error

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))


def column(name: str, values: Sequence[int], dtype: npt.DTypeLike) -> list[Arrays]:
    """One request per value: the tensor `name`, (1, 1)."""
    return [{name: np.array([[value]], dtype)} for value in values]


@contextmanager
def executions(client: Any, model: str, requests: int) -> Iterator[list[int]]:
    """How many batches Triton makes of the requests that are sent within the block.

    Triton counts a request after it has answered it, so its statistics are waited for.

    Args:
        client: of the Triton.
        model: to which alone they are sent.
        requests: their number.

    Yields:
        An empty list; after the block the number stands in it.
    """
    requests_before, executions_before = _counted(client, model)
    made: list[int] = []
    yield made
    deadline = time.monotonic() + COUNTED_TIMEOUT_S
    counted = requests_before, executions_before
    while counted[0] < requests_before + requests or counted[1] == executions_before:
        assert time.monotonic() < deadline, f"of {requests} requests {counted[0] - requests_before} were counted"
        time.sleep(0.01)
        counted = _counted(client, model)
    made.append(counted[1] - executions_before)


def _counted(client: Any, model: str) -> tuple[int, int]:
    """Requests that were answered, well or with an error, and batches that were run."""
    counts = client.get_inference_statistics(model).model_stats[0]
    return counts.inference_stats.success.count + counts.inference_stats.fail.count, counts.execution_count
