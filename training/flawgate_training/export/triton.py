"""Triton's configuration of a recipe's models, and of the ensemble over them, as text.

Each model has three: `config.pbtxt`, which serves the ONNX file anywhere, `configs/cpu.pbtxt` with the backend that is
fastest without a GPU, and `configs/tensorrt.pbtxt` for plans that `flawgate build-plans` made (docs/tensorrt.md).

On a CPU, requests are not put together to batches, which makes them slower (docs/decisions/0006); a caller's own batch
is run as it is. The instances of `config.pbtxt` are on the GPU where NVIDIA's container finds one: no `kind` is set.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from flawgate_contracts.golden import GOLDEN_PARAMETER, Golden
from flawgate_contracts.kinds import FRAME, Call
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_training.export.tensors import TensorSpec
from flawgate_training.export.text_format import Symbol, text_format

CPU_INSTANCES_OF_FIRST = 2
"""Of the model that sees the frame: while one hands its answer on, the other computes (docs/decisions/0006)."""

PLANS: Mapping[str, str] = {"7.5": "sm75.plan", "8.6": "sm86.plan", "8.9": "sm89.plan", "9.0": "sm90.plan"}
"""By CUDA compute capability: the file that holds a model's plan for it."""

QUEUE_DELAY_US = 500
"""How long a request may wait on the GPU for others to be run with, in microseconds."""

_Message = dict[str, Any]


def model_config(
    recipe: Recipe, position: int, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], versions: Sequence[int]
) -> str:
    """`config.pbtxt`: the ONNX file, on whatever Triton finds.

    Args:
        recipe: which the model belongs to; gives its name and the largest batch.
        position: of the model among the recipe's.
        inputs: of its graph.
        outputs: of its graph.
        versions: to be loaded.
    """
    groups = {"instance_group": [{"count": _cpu_instances(inputs)}]}
    model = _batching_model(recipe, position, inputs, outputs, versions)
    return text_format({"backend": "onnxruntime"} | model | groups | _warm_up(inputs, [1]))


def cpu_config(
    recipe: Recipe,
    position: int,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    versions: Sequence[int],
    *,
    backend: Literal["onnxruntime", "openvino"],
) -> str:
    """`configs/cpu.pbtxt`: the ONNX file, on the CPU.

    NVIDIA's OpenVINO backend computes `max_batch_size` frames for every request, however few it holds. So to OpenVINO
    the batch is an axis like any other, of any length; the ensemble still limits it.

    Args:
        recipe: which the model belongs to.
        position: of the model among the recipe's.
        inputs: of its graph.
        outputs: of its graph.
        versions: to be loaded.
        backend: which of Triton's runs it.
    """
    groups = {"instance_group": [{"kind": Symbol("KIND_CPU"), "count": _cpu_instances(inputs)}]}
    if backend == "onnxruntime":
        model = _batching_model(recipe, position, inputs, outputs, versions)
        return text_format({"backend": backend} | model | groups | _warm_up(inputs, [1]))
    file = {"backend": backend, "default_model_filename": "model.onnx"}
    model = _model(recipe, position, _with_batch(inputs, -1), _with_batch(outputs, -1), versions)
    return text_format(file | model | {"max_batch_size": 0} | groups | _warm_up(_with_batch(inputs, 1), [1]))


def tensorrt_config(
    recipe: Recipe, position: int, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], versions: Sequence[int]
) -> str:
    """`configs/tensorrt.pbtxt`: the plan that was built for the GPU in the machine.

    A plan has one optimisation profile, number 0: batches of 1 to the largest, fastest at the preferred size, which is
    the largest. `flawgate build-plans` reads all that from here.

    Args:
        recipe: which the model belongs to.
        position: of the model among the recipe's.
        inputs: of its graph.
        outputs: of its graph.
        versions: to be loaded.
    """
    largest = recipe.max_batch_size
    file = {
        "platform": "tensorrt_plan",
        "cc_model_filenames": [{"key": capability, "value": name} for capability, name in PLANS.items()],
    }
    model = _batching_model(recipe, position, inputs, outputs, versions)
    running: _Message = {"instance_group": [{"kind": Symbol("KIND_GPU"), "count": 1, "profile": ["0"]}]}
    batching = {"preferred_batch_size": [largest], "max_queue_delay_microseconds": QUEUE_DELAY_US}
    if largest > 1:
        running["dynamic_batching"] = batching
    return text_format(file | model | running | _warm_up(inputs, sorted({1, largest})))


def ensemble_config(recipe: Recipe, tensors: Mapping[str, TensorSpec], golden: Golden) -> str:
    """`ensemble.pbtxt`: from the frame through all models; its parameters are the recipe itself and its golden frames.

    Args:
        recipe: of which it is the ensemble.
        tensors: inputs and outputs of all its models, by name.
        golden: how the recipe must judge some frames; their pictures stay in the version's folder.
    """
    carried: dict[str, Recipe | Golden] = {RECIPE_PARAMETER: recipe, GOLDEN_PARAMETER: golden}
    message = {
        "name": recipe.name,
        "platform": "ensemble",
        "max_batch_size": recipe.max_batch_size,
        "version_policy": _specific([int(recipe.version)]),
        "input": [_tensor(tensors[FRAME])],
        "output": [_tensor(tensors[name]) for name in recipe.answers],
        "ensemble_scheduling": {"step": [_step(recipe, position, call) for position, call in enumerate(recipe.calls)]},
        "parameters": [
            {"key": key, "value": {"string_value": told.model_dump_json(indent=2)}} for key, told in carried.items()
        ],
    }
    return text_format(message)


def _model(
    recipe: Recipe, position: int, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], versions: Sequence[int]
) -> _Message:
    return {
        "name": recipe.models[position].name,
        "version_policy": _specific(versions),
        "input": [_tensor(tensor) for tensor in inputs],
        "output": [_tensor(tensor) for tensor in outputs],
    }


def _batching_model(
    recipe: Recipe, position: int, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], versions: Sequence[int]
) -> _Message:
    return {"max_batch_size": recipe.max_batch_size} | _model(recipe, position, inputs, outputs, versions)


def _cpu_instances(inputs: Sequence[TensorSpec]) -> int:
    return CPU_INSTANCES_OF_FIRST if any(tensor.name == FRAME for tensor in inputs) else 1


def _with_batch(tensors: Sequence[TensorSpec], batch: int) -> list[TensorSpec]:
    return [tensor._replace(dims=(batch, *tensor.dims)) for tensor in tensors]


def _specific(versions: Sequence[int]) -> _Message:
    return {"specific": {"versions": list(versions)}}


def _tensor(tensor: TensorSpec) -> _Message:
    return {"name": tensor.name, "data_type": Symbol(f"TYPE_{tensor.dtype}"), "dims": list(tensor.dims)}


def _warm_up(inputs: Sequence[TensorSpec], batches: Sequence[int]) -> _Message:
    """The first request of each batch size is slow; so Triton runs them before it calls the model ready."""
    values = [{"key": tensor.name, "value": _zeros(tensor)} for tensor in inputs]
    return {"model_warmup": [{"name": f"batch of {size}", "batch_size": size, "inputs": values} for size in batches]}


def _zeros(tensor: TensorSpec) -> _Message:
    return {"data_type": Symbol(f"TYPE_{tensor.dtype}"), "dims": list(tensor.dims), "zero_data": True}


def _step(recipe: Recipe, position: int, call: Call) -> _Message:
    model = recipe.models[position]
    return {
        "model_name": model.name,
        "model_version": int(model.version),
        "input_map": [{"key": name, "value": name} for name in call.inputs],
        "output_map": [{"key": name, "value": name} for name in call.outputs],
    }
