"""Asking a real Triton by its own gRPC client."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

Arrays = Mapping[str, npt.NDArray[Any]]

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


def executions(client: Any, model: str) -> int:
    """How many batches of `model` Triton has run, by its own statistics."""
    return int(client.get_inference_statistics(model).model_stats[0].execution_count)
