"""The config.pbtxt of a cascade recipe's three models: segmentation, classification and the ensemble over both.

Instances are on the GPU where NVIDIA's container finds one (no `kind` is set), else on the CPU. Requests are not put
together to batches, which makes them slower on a CPU (docs/decisions/0006); a caller's own batch is run as it is.
"""

from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_training.architectures.commutator import FEATURES, STRIDE
from flawgate_training.export.text_format import Symbol, text_format

MAX_BATCH_SIZE = 4
"""Frames that one request may hold."""

SEGMENTATION_INSTANCES = 2
"""While one hands its answer on, the other computes: two keep the cores busy (docs/decisions/0006)."""

_Tensor = tuple[str, str, list[int]]


def segmentation_config(recipe: Recipe) -> str:
    """`frame` → `mask`, `features`."""
    outputs = [_mask(recipe), _features(recipe)]
    return _model(recipe, 0, inputs=[_frame(recipe)], outputs=outputs, instances=SEGMENTATION_INSTANCES)


def classification_config(recipe: Recipe) -> str:
    """`features` → `score`."""
    return _model(recipe, 1, inputs=[_features(recipe)], outputs=[_SCORE], instances=1)


def ensemble_config(recipe: Recipe) -> str:
    """`frame` → `mask`, `score`; carries the recipe itself as a parameter."""
    message = {
        "name": recipe.name,
        "platform": "ensemble",
        "max_batch_size": MAX_BATCH_SIZE,
        "version_policy": {"specific": {"versions": [int(recipe.version)]}},
        "input": [_tensor(_frame(recipe))],
        "output": [_tensor(_mask(recipe)), _tensor(_SCORE)],
        "ensemble_scheduling": {
            "step": [_step(recipe, 0, ["frame"], ["mask", "features"]), _step(recipe, 1, ["features"], ["score"])]
        },
        "parameters": [{"key": RECIPE_PARAMETER, "value": {"string_value": recipe.model_dump_json(indent=2)}}],
    }
    return text_format(message)


_SCORE: _Tensor = ("score", "FP32", [1])


def _frame(recipe: Recipe) -> _Tensor:
    return "frame", "UINT8", [recipe.input.channels, recipe.input.height, recipe.input.width]


def _mask(recipe: Recipe) -> _Tensor:
    return "mask", "FP32", [1, recipe.input.height // STRIDE, recipe.input.width // STRIDE]


def _features(recipe: Recipe) -> _Tensor:
    return "features", "FP32", [FEATURES + 1, recipe.input.height // STRIDE, recipe.input.width // STRIDE]


def _model(recipe: Recipe, position: int, *, inputs: list[_Tensor], outputs: list[_Tensor], instances: int) -> str:
    model = recipe.models[position]
    message = {
        "name": model.name,
        "backend": "onnxruntime",
        "max_batch_size": MAX_BATCH_SIZE,
        "version_policy": {"specific": {"versions": [int(model.version)]}},
        "input": [_tensor(tensor) for tensor in inputs],
        "output": [_tensor(tensor) for tensor in outputs],
        "instance_group": [{"count": instances}],
        "model_warmup": [
            {"name": "zeros", "batch_size": 1, "inputs": [{"key": tensor[0], "value": _zeros(tensor)}]}
            for tensor in inputs
        ],
    }
    return text_format(message)


def _tensor(tensor: _Tensor) -> dict[str, object]:
    name, kind, dims = tensor
    return {"name": name, "data_type": Symbol(f"TYPE_{kind}"), "dims": dims}


def _zeros(tensor: _Tensor) -> dict[str, object]:
    _, kind, dims = tensor
    return {"data_type": Symbol(f"TYPE_{kind}"), "dims": dims, "zero_data": True}


def _step(recipe: Recipe, position: int, inputs: list[str], outputs: list[str]) -> dict[str, object]:
    model = recipe.models[position]
    return {
        "model_name": model.name,
        "model_version": int(model.version),
        "input_map": [{"key": name, "value": name} for name in inputs],
        "output_map": [{"key": name, "value": name} for name in outputs],
    }
