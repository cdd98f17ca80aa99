"""A model repository so small that its answers can be worked out by hand, laid out as export does.

Recipe `spot`: a grey frame of 32×24 pixels (height × width); mask = largest grey value of each 8×8 block ÷ 255, score =
largest mask value. So a frame with one pixel of grey value g has the score g ÷ 255, and its defect is that block.
Recipes of the other kinds stand in `tiny_kinds`.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
from google.protobuf import text_format
from onnx import TensorProto, parser
from tritonclient.grpc import model_config_pb2 as config_pb

from flawgate_contracts.kinds import Kind, answers, calls
from flawgate_contracts.recipe import ModelReference, Policy, Provenance, Recipe, TensorInput
from flawgate_contracts.steps import Grey, Resize

HEIGHT, WIDTH = 32, 24
BLOCK = 8
MASK_SHAPE = (HEIGHT // BLOCK, WIDTH // BLOCK)
PROVENANCE = Provenance(
    architecture="tiny", dataset="none", licence="Apache-2.0", created_at=datetime(2026, 1, 1, tzinfo=UTC)
)

Dims = Mapping[str, tuple[int, ...]]
"""Shapes of tensors by name, without the batch."""

SPOT_DIMS: Dims = {"frame": (1, HEIGHT, WIDTH), "mask": (1, *MASK_SHAPE), "features": (1, *MASK_SHAPE), "score": (1,)}

SPOT_SEG = f"""
seg (uint8[batch, 1, {HEIGHT}, {WIDTH}] frame) => (float[batch, 1, 4, 3] mask, float[batch, 1, 4, 3] features)
<float white = {{255}}> {{
    grey = Cast<to = 1>(frame)
    unit = Div(grey, white)
    mask = MaxPool<kernel_shape = [{BLOCK}, {BLOCK}], strides = [{BLOCK}, {BLOCK}]>(unit)
    features = Identity(mask)
}}"""


def spot_cls(gain: float = 1.0) -> str:
    """The classification of `spot`, in ONNX's text format: gain × the largest value of the mask."""
    return f"""
cls (float[batch, 1, 4, 3] features) => (float[batch, 1] score)
<float gain = {{{gain}}}, int64[1] axes = {{1}}> {{
    flat = Flatten<axis = 1>(features)
    largest = ReduceMax<keepdims = 1>(flat, axes)
    score = Mul(largest, gain)
}}"""


def spot_recipe(
    models: tuple[ModelReference, ...] = (), *, name: str = "spot", policy: Policy | None = None, version: str = "1"
) -> Recipe:
    """The recipe, with a guard band of 0.1 unless told otherwise."""
    return Recipe(
        name=name,
        version=version,
        title="Bright spots on a dark part",
        kind="cascade",
        input=TensorInput(channels=1, height=HEIGHT, width=WIDTH),
        steps=(Grey(), Resize(height=HEIGHT, width=WIDTH)),
        classes=("spot",),
        policy=policy or Policy(guard_band=0.1),
        models=models or (ModelReference(name=f"{name}_seg", version=version, sha256="0" * 64),),
        provenance=PROVENANCE,
    )


def write_spot(
    repository: Path, *, name: str = "spot", policy: Policy | None = None, version: str = "1", gain: float = 1.0
) -> Recipe:
    """Write a version of the recipe `spot`; gives the recipe.

    Args:
        repository: where to.
        name: of the recipe.
        policy: of the recipe; a guard band of 0.1 unless told otherwise.
        version: 1 is put in force; a later one stands beside it, inactive, as after an export.
        gain: 0–1; the score is this times the largest mask value, so that versions can be told apart.
    """
    recipe = spot_recipe(name=name, policy=policy, version=version)
    return write_recipe(repository, recipe, {"seg": SPOT_SEG, "cls": spot_cls(gain)})


def write_recipe(repository: Path, recipe: Recipe, graphs: Mapping[str, str]) -> Recipe:
    """Write one version of a recipe, its models and its ensemble; version 1 is put in force.

    Args:
        repository: where to.
        recipe: its models are filled in.
        graphs: by part, in ONNX's text format.

    Returns:
        The recipe with its models.
    """
    parsed = {part: parser.parse_graph(text) for part, text in graphs.items()}
    models = tuple(_write_model(repository, recipe, f"{recipe.name}_{part}", graph) for part, graph in parsed.items())
    written = recipe.model_copy(update={"models": models})
    dims: dict[str, tuple[int, ...]] = {}
    for graph in parsed.values():
        dims |= {value.name: _dims(value) for value in (*graph.input, *graph.output)}
    text = written.model_dump_json()
    write_ensemble(
        repository,
        recipe.name,
        text,
        version=recipe.version,
        kind=recipe.kind,
        dims=dims,
        explained=recipe.explained,
    )
    return written


def write_ensemble(
    repository: Path,
    name: str,
    recipe_json: str,
    *,
    version: str = "1",
    kind: Kind = "cascade",
    dims: Dims = SPOT_DIMS,
    explained: bool = False,
) -> None:
    """Write a version of an ensemble, with whatever stands for the recipe; version 1 is put in force."""
    config = config_pb.ModelConfig(name=name, platform="ensemble", max_batch_size=4)
    config.version_policy.specific.versions.append(int(version))
    config.parameters["recipe"].string_value = recipe_json
    _add_tensors(config.input, {"frame": dims["frame"]})
    _add_tensors(config.output, {answer: dims[answer] for answer in answers(kind, explained=explained)})
    for call in calls(kind, explained=explained):
        step = config.ensemble_scheduling.step.add(model_name=f"{name}_{call.part}", model_version=int(version))
        step.input_map.update({tensor: tensor for tensor in call.inputs})
        step.output_map.update({tensor: tensor for tensor in call.outputs})
    folder = repository / name / version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(recipe_json, "utf-8")
    (folder / "ensemble.pbtxt").write_text(text_format.MessageToString(config), "utf-8")
    if version == "1":
        (folder.parent / "config.pbtxt").write_text(text_format.MessageToString(config), "utf-8")


def _write_model(repository: Path, recipe: Recipe, name: str, graph: onnx.GraphProto) -> ModelReference:
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    folder = repository / name / recipe.version
    folder.mkdir(parents=True, exist_ok=True)
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    if recipe.version == "1":
        _put_in_force(folder.parent, _model_config(name, graph))
    return ModelReference(name=name, version=recipe.version, sha256=hashlib.sha256(data).hexdigest())


def _put_in_force(folder: Path, config: Any) -> None:
    """The configuration that NVIDIA's container uses, and the one of a machine without a GPU."""
    (folder / "configs").mkdir(exist_ok=True)
    for name in ("config.pbtxt", "configs/cpu.pbtxt"):
        (folder / name).write_text(text_format.MessageToString(config), "utf-8")


def _model_config(name: str, graph: onnx.GraphProto) -> Any:
    config = config_pb.ModelConfig(name=name, backend="onnxruntime", max_batch_size=4)
    config.version_policy.specific.versions.append(1)
    config.dynamic_batching.SetInParent()
    _add_tensors(config.input, {value.name: _dims(value) for value in graph.input})
    _add_tensors(config.output, {value.name: _dims(value) for value in graph.output})
    return config


def _add_tensors(tensors: Any, dims: Dims) -> None:
    for name, shape in dims.items():
        data_type = config_pb.TYPE_UINT8 if name == "frame" else config_pb.TYPE_FP32
        tensors.add(name=name, data_type=data_type, dims=shape)


def _dims(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    assert value.type.tensor_type.elem_type in {TensorProto.UINT8, TensorProto.FLOAT}
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim[1:])
