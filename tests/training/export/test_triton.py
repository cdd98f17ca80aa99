from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from google.protobuf import text_format
from support.tiny_kinds import TINIES
from tritonclient.grpc import model_config_pb2 as pb

from flawgate_contracts.golden import Golden, GoldenFrame
from flawgate_contracts.kinds import ANSWERS, CALLS, Kind
from flawgate_contracts.recipe import ModelReference, Recipe
from flawgate_training.export import triton
from flawgate_training.export.tensors import TensorSpec

DIMS: Mapping[Kind, Mapping[str, tuple[int, ...]]] = {
    "cascade": {"frame": (1, 32, 24), "mask": (1, 4, 3), "features": (5, 4, 3), "score": (1,)},
    "segmentation": {"frame": (3, 32, 24), "mask": (7, 32, 24)},
    "classification": {"frame": (1, 32, 24), "probabilities": (2,)},
    "anomaly": {"frame": (1, 32, 24), "reconstruction": (1, 32, 24)},
}
RECIPES: Mapping[Kind, str] = {
    "cascade": "spot",
    "segmentation": "marks",
    "classification": "shade",
    "anomaly": "blank",
}
GOLDEN = Golden(tolerance=1e-3, frames=(GoldenFrame(name="a frame", sha256="0" * 64, evaluation="OK", score=0.1),))
MODELS = [(kind, position) for kind in DIMS for position in range(len(CALLS[kind]))]


def specs(kind: Kind, names: Sequence[str]) -> list[TensorSpec]:
    """Of those tensors."""
    return [TensorSpec(name, "UINT8" if name == "frame" else "FP32", DIMS[kind][name]) for name in names]


def recipe_of(kind: Kind, *, version: str = "3", largest: int = 4) -> Recipe:
    """A recipe with all its models."""
    tiny = TINIES[RECIPES[kind]].recipe
    models = tuple(
        ModelReference(name=f"{tiny.name}_{call.part}", version=version, sha256="0" * 64) for call in CALLS[kind]
    )
    return tiny.model_copy(update={"models": models, "version": version, "max_batch_size": largest})


def test_an_explained_recipe_gives_its_explanation() -> None:
    """The ensemble passes on what the model says beside its probabilities."""
    recipe = TINIES["glow"].recipe
    dims = {"frame": (1, 32, 24), "probabilities": (1,), "explanation": (4, 3)}
    found = {name: TensorSpec(name, "UINT8" if name == "frame" else "FP32", each) for name, each in dims.items()}
    config = parsed(triton.ensemble_config(recipe, found, GOLDEN))
    assert [(tensor.name, list(tensor.dims)) for tensor in config.output] == [
        ("probabilities", [1]),
        ("explanation", [4, 3]),
    ]
    (step,) = config.ensemble_scheduling.step
    assert dict(step.output_map) == {"probabilities": "probabilities", "explanation": "explanation"}


def parsed(text: str) -> Any:
    """As Triton reads it."""
    return text_format.Parse(text, pb.ModelConfig())


def model(kind: Kind, position: int, largest: int = 4) -> tuple[Any, ...]:
    """What the functions take."""
    call = CALLS[kind][position]
    return recipe_of(kind, largest=largest), position, specs(kind, call.inputs), specs(kind, call.outputs), [2, 3]


def tensors(fields: Any) -> dict[str, tuple[int, list[int]]]:
    """Type and dims by name."""
    return {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in fields}


def expected(kind: Kind, names: Sequence[str], batch: Sequence[int] = ()) -> dict[str, tuple[int, list[int]]]:
    """The same from the shapes above."""
    types = {"UINT8": pb.TYPE_UINT8, "FP32": pb.TYPE_FP32}
    return {tensor.name: (types[tensor.dtype], [*batch, *tensor.dims]) for tensor in specs(kind, names)}


@pytest.mark.parametrize(("kind", "position"), MODELS)
def test_model_config(kind: Kind, position: int) -> None:
    """The ONNX file, its tensors, the versions asked for, warmed up, and no batching of requests."""
    config = parsed(triton.model_config(*model(kind, position)))
    call = CALLS[kind][position]
    assert (config.backend, config.platform, config.max_batch_size) == ("onnxruntime", "", 4)
    assert f"{RECIPES[kind]}_{call.part}" == config.name
    assert list(config.version_policy.specific.versions) == [2, 3]
    assert expected(kind, call.inputs) == tensors(config.input)
    assert expected(kind, call.outputs) == tensors(config.output)
    assert not config.HasField("dynamic_batching")
    (group,) = config.instance_group
    assert (pb.ModelInstanceGroup.KIND_AUTO, 2 if "frame" in call.inputs else 1) == (group.kind, group.count)
    (warm_up,) = config.model_warmup
    assert warm_up.batch_size == 1
    assert {name: dims for name, (_, dims) in expected(kind, call.inputs).items()} == {
        name: list(value.dims) for name, value in warm_up.inputs.items()
    }


@pytest.mark.parametrize(("kind", "position"), MODELS)
def test_cpu_config_for_onnx_runtime(kind: Kind, position: int) -> None:
    """The same as config.pbtxt, but for the instances: they are on the CPU whatever else is there."""
    config = parsed(triton.cpu_config(*model(kind, position), backend="onnxruntime"))
    assert [group.kind for group in config.instance_group] == [pb.ModelInstanceGroup.KIND_CPU]
    config.instance_group[0].kind = pb.ModelInstanceGroup.KIND_AUTO
    assert parsed(triton.model_config(*model(kind, position))) == config


@pytest.mark.parametrize(("kind", "position"), MODELS)
def test_cpu_config_for_openvino(kind: Kind, position: int) -> None:
    """OpenVINO's file, on the CPU; the batch is an axis of any length, so that no request is padded to the largest."""
    config = parsed(triton.cpu_config(*model(kind, position), backend="openvino"))
    call = CALLS[kind][position]
    assert (config.backend, config.default_model_filename, config.max_batch_size) == ("openvino", "model.onnx", 0)
    assert expected(kind, call.inputs, [-1]) == tensors(config.input)
    assert expected(kind, call.outputs, [-1]) == tensors(config.output)
    assert [group.kind for group in config.instance_group] == [pb.ModelInstanceGroup.KIND_CPU]
    assert list(config.version_policy.specific.versions) == [2, 3]
    (warm_up,) = config.model_warmup
    assert {name: dims for name, (_, dims) in expected(kind, call.inputs, [1]).items()} == {
        name: list(value.dims) for name, value in warm_up.inputs.items()
    }


@pytest.mark.parametrize(("kind", "position"), MODELS)
def test_tensorrt_config(kind: Kind, position: int) -> None:
    """One plan for each GPU architecture, one profile, requests put together without long waits, warm at both ends."""
    config = parsed(triton.tensorrt_config(*model(kind, position)))
    call = CALLS[kind][position]
    assert (config.platform, config.backend, config.max_batch_size) == ("tensorrt_plan", "", 4)
    plans = {"7.5": "sm75.plan", "8.6": "sm86.plan", "8.9": "sm89.plan", "9.0": "sm90.plan"}
    assert plans == dict(config.cc_model_filenames)
    assert expected(kind, call.inputs) == tensors(config.input)
    assert expected(kind, call.outputs) == tensors(config.output)
    assert list(config.version_policy.specific.versions) == [2, 3]
    (group,) = config.instance_group
    assert (group.kind, list(group.profile)) == (pb.ModelInstanceGroup.KIND_GPU, ["0"])
    batching = config.dynamic_batching
    assert (list(batching.preferred_batch_size), batching.max_queue_delay_microseconds) == ([4], triton.QUEUE_DELAY_US)
    assert [warm_up.batch_size for warm_up in config.model_warmup] == [1, 4]


def test_tensorrt_config_of_single_frames() -> None:
    """Where a request holds one frame, none wait for others."""
    config = parsed(triton.tensorrt_config(*model("anomaly", 0, largest=1)))
    assert not config.HasField("dynamic_batching")
    assert [warm_up.batch_size for warm_up in config.model_warmup] == [1]


@pytest.mark.parametrize("kind", DIMS)
def test_ensemble_config(kind: Kind) -> None:
    """From the frame to the answers through exactly this version of each model; its parameters come back whole."""
    recipe = recipe_of(kind)
    found = {spec.name: spec for spec in specs(kind, list(DIMS[kind]))}
    config = parsed(triton.ensemble_config(recipe, found, GOLDEN))
    assert (recipe.name, "ensemble", 4) == (config.name, config.platform, config.max_batch_size)
    assert list(config.version_policy.specific.versions) == [3]
    assert expected(kind, ["frame"]) == tensors(config.input)
    assert expected(kind, ANSWERS[kind]) == tensors(config.output)
    steps = config.ensemble_scheduling.step
    assert [(model.name, 3) for model in recipe.models] == [(step.model_name, step.model_version) for step in steps]
    for step, call in zip(steps, CALLS[kind], strict=True):
        assert {name: name for name in call.inputs} == dict(step.input_map)
        assert {name: name for name in call.outputs} == dict(step.output_map)
    assert recipe == Recipe.from_json(config.parameters["recipe"].string_value, source="the test")
    assert Golden.model_validate_json(config.parameters["golden"].string_value) == GOLDEN
