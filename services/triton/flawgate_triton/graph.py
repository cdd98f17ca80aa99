"""What a backend of ours knows of a model: its graph, its file, and whether config.pbtxt describes it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

Array = npt.NDArray[Any]

Config = Mapping[str, Any]
"""A model's configuration as Triton hands it over: the JSON of its config.pbtxt."""

THREADS_VARIABLE = "FLAWGATE_TRITON_THREADS"
"""Set by the launcher's `--threads`."""


@dataclass(frozen=True)
class Declared:
    """An input or output as the graph declares it.

    Attributes:
        data_type: as Triton names it, e.g. TYPE_UINT8; one that is not served as the runtime names it.
        shape: size of each axis; -1: any.
    """

    data_type: str
    shape: list[int]


class Graph(Protocol):
    """A model version, opened by a runtime."""

    @property
    def inputs(self) -> Mapping[str, Declared]:
        """All inputs, by name."""
        ...

    @property
    def outputs(self) -> Mapping[str, Declared]:
        """All outputs, by name."""
        ...

    def run(self, feed: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """The outputs of these names for a full set of inputs; the caller may keep them."""
        ...


def model_file(config: Config, folder: Path, default: str) -> Path:
    """The file of a model version.

    Args:
        config: of the model.
        folder: `<model>/<version>`.
        default: its name where config.pbtxt has no `default_model_filename`.

    Raises:
        ValueError: there is no such file.
    """
    path = folder / (config.get("default_model_filename") or default)
    if not path.is_file():
        raise ValueError(f"{folder.name}/{path.name} does not exist: export the model into the repository.")
    return path


def parameter(config: Config, name: str) -> str:
    """A parameter of config.pbtxt; empty where it is absent."""
    text: str = config.get("parameters", {}).get(name, {}).get("string_value", "")
    return text


def thread_count(config: Config, name: str) -> int:
    """A count of threads from config.pbtxt.

    Absent or 0 means the launcher's `--threads`, and without it one thread per core that this process may use.

    Raises:
        ValueError: the parameter is no count.
    """
    text = parameter(config, name) or "0"
    if not text.isdecimal():
        raise ValueError(f"the parameter {name} in config.pbtxt is {text!r}, it must be a whole number from 0 on.")
    return int(text) or int(os.environ.get(THREADS_VARIABLE, "0")) or len(os.sched_getaffinity(0))


def check_against_graph(config: Config, graph: Graph) -> None:
    """Compares names, dtypes and fixed axes, so that no tensor is ever cast or reshaped in silence.

    The graph may have outputs that config.pbtxt does not offer, and free axes where config.pbtxt fixes them.

    Raises:
        ValueError: they differ; names the tensor, what config.pbtxt says and what the graph says.
    """
    batch_axis = [-1] if config["max_batch_size"] > 0 else []
    for kind, declared in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in config[kind]:
            _check_tensor(kind, tensor, batch_axis, declared)
    for name in graph.inputs.keys() - {tensor["name"] for tensor in config["input"]}:
        raise ValueError(f"the graph needs the input {name!r}, which config.pbtxt does not name.")


def _check_tensor(kind: str, tensor: Config, batch_axis: list[int], declared: Mapping[str, Declared]) -> None:
    name = tensor["name"]
    if name not in declared:
        raise ValueError(f"config.pbtxt names the {kind} {name!r}, the graph has {', '.join(declared)}.")
    if tensor.get("reshape") or tensor.get("optional"):
        raise ValueError(f"config.pbtxt gives the {kind} {name!r} a reshape or makes it optional; neither is served.")
    actual = declared[name]
    shape = [*batch_axis, *map(int, tensor["dims"])]
    same_shape = len(shape) == len(actual.shape) and all(a in (-1, s) for s, a in zip(shape, actual.shape, strict=True))
    if actual.data_type != tensor["data_type"] or not same_shape:
        raise ValueError(
            f"the {kind} {name!r} is {tensor['data_type']} {shape} in config.pbtxt, "
            f"but {actual.data_type} {actual.shape} in the graph (-1: any size)."
        )
