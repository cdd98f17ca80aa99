"""The ONNX graphs of a recipe's models: of every network, in every precision, by one path.

Frames arrive as uint8 and are normalised inside the graph; answers are probabilities, float32. The batch is dynamic,
height and width are fixed. Nothing in a file tells of the machine that wrote it.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto
from onnxruntime import InferenceSession
from torch import Tensor, nn

from flawgate_contracts.errors import InternalError, InvalidParameter
from flawgate_contracts.kinds import CALLS, EXPLANATION, FRAME, Call, Kind, calls
from flawgate_contracts.recipe import Precision, Target, TensorInput
from flawgate_training.datasets.items import Pixels
from flawgate_training.evaluation.inference import evaluating
from flawgate_training.export import folding
from flawgate_training.export.cost import Cost, cost
from flawgate_training.export.explanation import can_be_explained
from flawgate_training.export.parts import USES, parts
from flawgate_training.export.precision import Feed, halved, pool_in_float, quantisable, quantise
from flawgate_training.export.runtimes import PROVIDER, planes
from flawgate_training.export.tensors import TensorSpec

__all__ = ["OPSET", "PLAIN", "Form", "TensorSpec", "Written", "plain_costs", "write"]

OPSET = 18
"""The exporter's own; every ONNX Runtime since 1.14 and TensorRT since 8.6 read it."""

_TRACED_BATCH = 2
"""A batch of one would be taken for a constant."""

_DTYPES: Mapping[int, Literal["UINT8", "FP32"]] = {TensorProto.UINT8: "UINT8", TensorProto.FLOAT: "FP32"}


@dataclass(frozen=True)
class Form:
    """What the files of a recipe's models are to be.

    Attributes:
        precision: what the models compute with; what goes in and comes out does not depend on it.
        target: what the graphs are rewritten for; int8 is the same for all.
        explained: a classification gets the second output `explanation`, where its network can be explained.
    """

    precision: Precision = "fp32"
    target: Target = "cpu"
    explained: bool = True


PLAIN = Form()
"""Float32 for any CPU."""


@dataclass(frozen=True)
class Written:
    """One model's file.

    Attributes:
        call: which part of the recipe it is.
        path: of the ONNX file.
        inputs: what it takes.
        outputs: what it gives.
        cost: of the file.
    """

    call: Call
    path: Path
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    cost: Cost


def write(
    network: nn.Module,
    kind: Kind,
    shown: TensorInput,
    folder: Path,
    *,
    form: Form = PLAIN,
    calibration: Sequence[Pixels] | None = None,
) -> tuple[Written, ...]:
    """Write a recipe's models.

    Args:
        network: trained.
        kind: of the recipe.
        shown: what the first model takes: the whole input, or a tile.
        folder: that exists; each file is called `<part>.onnx`.
        form: what they are to be.
        calibration: for int8: frames to learn the ranges of activations from, (h, w) or (h, w, 3), uint8, of the shape
            of `shown`; see `calibration.choose`.

    Returns:
        One for each of `kinds.CALLS`, in this order.

    Raises:
        InvalidParameter: the network is not of this kind, or int8 lacks frames of the right shape.
    """
    if not isinstance(network, USES[kind]):
        raise InvalidParameter(
            f"A recipe of the kind {kind} runs a {USES[kind].__name__}, not a {type(network).__name__}; "
            "export it as what it was trained for.",
            {"field": "kind"},
        )
    if form.precision == "int8":
        _check_calibration(calibration, shown)
    called = calls(kind, explained=form.explained and can_be_explained(network))
    folded = _exported(_ready(network, form.precision), kind, called, shown, optimise=True)
    # A concatenation taken apart is a sum of convolutions, and in int8 each of its terms would be rounded by itself.
    rewritten_for: Target = "gpu" if form.precision == "int8" else form.target
    models = [folding.rewrite(model, target=rewritten_for) for model in folded]
    for model in models:
        _tidy(model, form.precision)
    files = [folder / f"{call.part}.onnx" for call in called]
    _save(models, called, files, calibration if form.precision == "int8" else None)
    return tuple(_written(call, path) for call, path in zip(called, files, strict=True))


def plain_costs(network: nn.Module, kind: Kind, shown: TensorInput) -> tuple[Cost, ...]:
    """What the models would cost as traced: nothing folded, float32, and without an explanation.

    Args:
        network: trained; of the kind, see `write`.
        kind: of the recipe.
        shown: what the first model takes.

    Returns:
        One for each of `kinds.CALLS`, in this order.
    """
    with evaluating(network):
        return tuple(cost(model) for model in _exported(network, kind, CALLS[kind], shown, optimise=False))


def _check_calibration(frames: Sequence[Pixels] | None, shown: TensorInput) -> None:
    if not frames:
        raise InvalidParameter(
            "int8 needs training frames to learn the ranges of its numbers from, and there are none; "
            "export as fp32 or fp16, or from a run whose data set is at hand.",
            {"field": "precision"},
        )
    wanted = (shown.channels, shown.height, shown.width)
    for frame in frames:
        if planes(frame[None]).shape[1:] != wanted:
            raise InvalidParameter(
                f"A calibration frame is of shape {frame.shape}, but the model takes {wanted} (channels, height, "
                "width); give frames as the recipe's steps and tiles prepare them.",
                {"field": "calibration"},
            )


def _ready(network: nn.Module, precision: Precision) -> nn.Module:
    folded = folding.fold(network)
    return halved(folded) if precision == "fp16" else folded


def _exported(
    network: nn.Module, kind: Kind, called: Sequence[Call], shown: TensorInput, *, optimise: bool
) -> list[onnx.ModelProto]:
    """The graph of each part, as traced, or with its constants folded."""
    tensors = {FRAME: torch.zeros(_TRACED_BATCH, shown.channels, shown.height, shown.width, dtype=torch.uint8)}
    models = []
    for call, made in zip(called, parts(kind, explained=EXPLANATION in called[-1].outputs), strict=True):
        part = made(network).eval()
        examples = tuple(tensors[name] for name in call.inputs)
        models.append(_export(part, call, examples, optimise=optimise))
        if call is not called[-1]:
            with torch.no_grad():
                answer = part(*examples)
            tensors |= dict(zip(call.outputs, (answer,) if isinstance(answer, Tensor) else answer, strict=True))
    return models


def _export(part: nn.Module, call: Call, examples: tuple[Tensor, ...], *, optimise: bool) -> onnx.ModelProto:
    with warnings.catch_warnings():
        # The exporter trips over deprecations of its own; what it wrote is compared with torch afterwards.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            part,
            examples,
            dynamo=True,
            opset_version=OPSET,
            input_names=call.inputs,
            output_names=call.outputs,
            dynamic_shapes=tuple({0: torch.export.Dim("batch")} for _ in examples),
            external_data=False,
            optimize=optimise,
            verbose=False,
        )
    if program is None:
        raise InternalError("The exporter gave no graph.")
    return program.model_proto


def _tidy(model: onnx.ModelProto, precision: Precision) -> None:
    if precision == "fp16":
        pool_in_float(model)
    for number, node in enumerate(model.graph.node):
        node.name = f"{number}_{node.op_type}"
    _forget_origin(model)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Take out what the exporter leaves of this machine: on every node a stack trace with paths of its files."""
    graph = model.graph
    inner = [node for function in model.functions for node in function.node]
    parts: list[Any] = [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for part in [*parts, *model.functions, *inner, *(info for each in model.functions for info in each.value_info)]:
        del part.metadata_props[:]
        part.doc_string = ""


def _save(
    models: Sequence[onnx.ModelProto], called: Sequence[Call], files: Sequence[Path], frames: Sequence[Pixels] | None
) -> None:
    """Write the files, quantised where there are frames to calibrate on."""
    if frames is not None and not any(map(quantisable, models)):
        raise InvalidParameter(
            "This network has no layer that int8 would round: all of them stay in float. Export it as fp32 or fp16.",
            {"field": "precision"},
        )
    for position, (model, path) in enumerate(zip(models, files, strict=True)):
        if frames is None or not quantisable(model):
            onnx.save(model, path)
        else:
            quantise(model, _feeds(models[:position], called, frames), path)
            quantised = onnx.load(path)
            _forget_origin(quantised)
            onnx.save(quantised, path)


def _feeds(before: Sequence[onnx.ModelProto], called: Sequence[Call], frames: Sequence[Pixels]) -> Iterator[Feed]:
    """What the part after some parts sees of each frame, as those in float answer it; one frame at a time."""
    sessions = [InferenceSession(model.SerializeToString(), providers=[PROVIDER]) for model in before]
    wanted = called[len(before)].inputs
    for frame in frames:
        tensors: dict[str, NDArray[Any]] = {FRAME: planes(frame[None])}
        for call, session in zip(called, sessions, strict=False):
            answers = session.run(list(call.outputs), {name: tensors[name] for name in call.inputs})
            tensors |= dict(zip(call.outputs, answers, strict=True))
        yield {name: tensors[name] for name in wanted}


def _written(call: Call, path: Path) -> Written:
    model = onnx.load(path)
    inputs, outputs = (tuple(map(_spec, tensors)) for tensors in (model.graph.input, model.graph.output))
    return Written(call, path, inputs, outputs, cost(model))


def _spec(tensor: ValueInfoProto) -> TensorSpec:
    kind = tensor.type.tensor_type
    return TensorSpec(tensor.name, _DTYPES[kind.elem_type], tuple(size.dim_value for size in kind.shape.dim[1:]))
