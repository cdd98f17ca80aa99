"""A model repository so small that its answers can be worked out by hand.

Recipe `spot`: a grey frame of 32×24 pixels (height × width); mask = largest grey value of each 8×8 block ÷ 255, score =
largest mask value. So a frame with one pixel of grey value g has the score g ÷ 255, and its defect is that block.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
from google.protobuf import text_format
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2 as config_pb

from flawgate_contracts.recipe import ModelReference, Policy, Provenance, Recipe, TensorInput
from flawgate_contracts.steps import Grey, Resize

HEIGHT, WIDTH = 32, 24
BLOCK = 8
MASK_SHAPE = (HEIGHT // BLOCK, WIDTH // BLOCK)


def spot_recipe(models: tuple[ModelReference, ...] = (), *, name: str = "spot", policy: Policy | None = None) -> Recipe:
    """The recipe, with a guard band of 0.1 unless told otherwise."""
    digest = "0" * 64
    return Recipe(
        name=name,
        version="1",
        title="Bright spots on a dark part",
        kind="cascade",
        input=TensorInput(channels=1, height=HEIGHT, width=WIDTH),
        steps=(Grey(), Resize(height=HEIGHT, width=WIDTH)),
        classes=("spot",),
        policy=policy or Policy(guard_band=0.1),
        models=models or (ModelReference(name=f"{name}_seg", version="1", sha256=digest),),
        provenance=Provenance(
            architecture="tiny", dataset="none", licence="Apache-2.0", created_at=datetime(2026, 1, 1, tzinfo=UTC)
        ),
    )


def write_spot(repository: Path, *, name: str = "spot", policy: Policy | None = None) -> Recipe:
    """Write the recipe's two models and its ensemble; gives the recipe."""
    models = (
        _write_model(repository, f"{name}_seg", _segmentation(), ("frame",), ("mask", "features")),
        _write_model(repository, f"{name}_cls", _classification(), ("features",), ("score",)),
    )
    recipe = spot_recipe(models, name=name, policy=policy)
    write_ensemble(repository, name, recipe.model_dump_json())
    return recipe


def write_ensemble(repository: Path, name: str, recipe_json: str) -> None:
    """Write the ensemble, with whatever stands for the recipe."""
    config = config_pb.ModelConfig(name=name, platform="ensemble", max_batch_size=4)
    config.parameters["recipe"].string_value = recipe_json
    _add_tensor(config.input, "frame")
    _add_tensor(config.output, "mask")
    _add_tensor(config.output, "score")
    seg = config.ensemble_scheduling.step.add(model_name=f"{name}_seg", model_version=1)
    seg.input_map["frame"] = "frame"
    seg.output_map["mask"] = "mask"
    seg.output_map["features"] = "features"
    cls = config.ensemble_scheduling.step.add(model_name=f"{name}_cls", model_version=1)
    cls.input_map["features"] = "features"
    cls.output_map["score"] = "score"
    _write_config(repository, name, config)


SHAPES = {"frame": [1, HEIGHT, WIDTH], "mask": [1, *MASK_SHAPE], "features": [1, *MASK_SHAPE], "score": [1]}


def _add_tensor(tensors: Any, name: str) -> None:
    data_type = config_pb.TYPE_UINT8 if name == "frame" else config_pb.TYPE_FP32
    tensors.add(name=name, data_type=data_type, dims=SHAPES[name])


def _write_config(repository: Path, name: str, config: Any) -> None:
    folder = repository / name / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "config.pbtxt").write_text(text_format.MessageToString(config), "utf-8")


def _write_model(
    repository: Path, name: str, graph: onnx.GraphProto, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> ModelReference:
    config = config_pb.ModelConfig(name=name, backend="onnxruntime", max_batch_size=4)
    config.dynamic_batching.SetInParent()
    for tensor in inputs:
        _add_tensor(config.input, tensor)
    for tensor in outputs:
        _add_tensor(config.output, tensor)
    _write_config(repository, name, config)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    (repository / name / "1" / "model.onnx").write_bytes(data)
    return ModelReference(name=name, version="1", sha256=hashlib.sha256(data).hexdigest())


def _value(name: str, element: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, ["batch", *SHAPES[name]])


def _segmentation() -> onnx.GraphProto:
    nodes = [
        helper.make_node("Cast", ["frame"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "white"], ["unit"]),
        helper.make_node("MaxPool", ["unit"], ["mask"], kernel_shape=[BLOCK, BLOCK], strides=[BLOCK, BLOCK]),
        helper.make_node("Identity", ["mask"], ["features"]),
    ]
    white = helper.make_tensor("white", TensorProto.FLOAT, [], [255.0])
    outputs = [_value("mask", TensorProto.FLOAT), _value("features", TensorProto.FLOAT)]
    return helper.make_graph(nodes, "seg", [_value("frame", TensorProto.UINT8)], outputs, [white])


def _classification() -> onnx.GraphProto:
    nodes = [
        helper.make_node("Flatten", ["features"], ["flat"], axis=1),
        helper.make_node("ReduceMax", ["flat", "axes"], ["score"], keepdims=1),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    return helper.make_graph(
        nodes, "cls", [_value("features", TensorProto.FLOAT)], [_value("score", TensorProto.FLOAT)], [axes]
    )
