"""The two that the parity gate compares: the trained network in torch, and its files in ONNX Runtime."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from torch import Tensor, nn

from flawgate_contracts.kinds import (
    ANSWERS,
    CALLS,
    EXPLANATION,
    FRAME,
    MASK,
    PROBABILITIES,
    RECONSTRUCTION,
    SCORE,
    Kind,
    answers,
)
from flawgate_training import explain
from flawgate_training.architectures.registry import cam_layer
from flawgate_training.datasets.items import Pixels

PROVIDER = "CPUExecutionProvider"

_PIXELS_AT_ONCE = 1 << 18
"""Of one batch: eight tiles of 512×64, or one frame of 1408×512; bounds the memory of a large network."""

Values = NDArray[Any]


class Explained(NamedTuple):
    """What models say of n frames.

    Attributes:
        answers: by the names of `kinds.answers`, (n, ...), float32, 0–1.
        logits: what stood before the sigmoid or softmax of an answer, by its name, of the same shape, float32; where
            there was none, nothing.
    """

    answers: dict[str, Values]
    logits: dict[str, Values]


class Models(Protocol):
    """A recipe's models, run one after the other."""

    def answers(self, frames: Pixels) -> dict[str, Values]:
        """What the models say of frames, (n, C, h, w), uint8, 0–255; see `Explained.answers`."""
        ...

    def explained(self, frames: Pixels) -> Explained:
        """The same with the logits."""
        ...


class OnnxModels:
    """A recipe's files, run by ONNX Runtime on the CPU.

    Args:
        files: by part, see `kinds.CALLS`.
        kind: of the recipe.
        threads: that compute; 0: one for each core.
    """

    def __init__(self, files: Mapping[str, Path], kind: Kind, *, threads: int = 0) -> None:
        self._kind = kind
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._models = {call.part: onnx.load(files[call.part]) for call in CALLS[kind]}
        self._sessions = {part: self._opened(model) for part, model in self._models.items()}
        self._answers = answers(kind, explained=self.has_explanation)
        self._exposed: dict[str, onnxruntime.InferenceSession] = {}

    @property
    def has_explanation(self) -> bool:
        """Whether the files say where the class answered is seen."""
        return any(output.name == EXPLANATION for model in self._models.values() for output in model.graph.output)

    def answers(self, frames: Pixels) -> dict[str, Values]:
        """See `Models`."""
        return _joined([self._run(self._sessions, chunk, self._answers) for chunk in _chunks(frames)])

    def explained(self, frames: Pixels) -> Explained:
        """See `Models`. The answers are those of the files themselves; copies of them give the logits."""
        if not self._exposed:
            self._exposed = {part: self._opened(exposed(model)) for part, model in self._models.items()}
        given = [value.name for session in self._exposed.values() for value in session.get_outputs()]
        wanted = tuple(_logit(name) for name in ANSWERS[self._kind] if _logit(name) in given)
        logits = _joined([self._run(self._exposed, chunk, wanted) for chunk in _chunks(frames)])
        named = {name: logits[_logit(name)] for name in ANSWERS[self._kind] if _logit(name) in logits}
        return Explained(self.answers(frames), named)

    def _opened(self, model: onnx.ModelProto) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(model.SerializeToString(), self._options, providers=[PROVIDER])

    def _run(
        self, sessions: Mapping[str, onnxruntime.InferenceSession], frames: Pixels, wanted: tuple[str, ...]
    ) -> dict[str, Values]:
        tensors: dict[str, Values] = {FRAME: frames}
        for call in CALLS[self._kind]:
            session = sessions[call.part]
            names = [value.name for value in session.get_outputs()]
            answers = session.run(names, {name: tensors[name] for name in call.inputs})
            tensors |= dict(zip(names, answers, strict=True))
        return {name: tensors[name] for name in wanted}


class TorchModels:
    """A trained network, run by torch where its weights lie.

    Args:
        network: in evaluation mode.
        kind: of the recipe.
        with_explanation: of a classification: add what torch's own gradients give, in the size of the frames.
    """

    def __init__(self, network: nn.Module, kind: Kind, *, with_explanation: bool = False) -> None:
        self._network = network
        self._kind = kind
        self._with_explanation = with_explanation

    def answers(self, frames: Pixels) -> dict[str, Values]:
        """See `Models`."""
        return self.explained(frames).answers

    def explained(self, frames: Pixels) -> Explained:
        """See `Models`."""
        device = next(self._network.parameters()).device
        parts = [self._chunk(torch.from_numpy(chunk).to(device)) for chunk in _chunks(frames)]
        return Explained(_joined([part.answers for part in parts]), _joined([part.logits for part in parts]))

    def _chunk(self, frames: Tensor) -> Explained:
        with torch.inference_mode():
            said = self._part(frames)
        if self._with_explanation:
            targets = said.answers[PROBABILITIES].argmax(axis=1)
            said.answers[EXPLANATION] = np.concatenate(
                [self._cam(frames[[place]], int(target)) for place, target in enumerate(targets)]
            )
        return said

    def _cam(self, frame: Tensor, target: int) -> Values:
        return explain.explained(self._network, cam_layer(self._network), frame, target).cpu().numpy()

    def _part(self, frames: Tensor) -> Explained:
        match self._kind:
            case "cascade":
                return self._cascade(frames)
            case "anomaly":
                with _listening(self._network.get_submodule("body")) as heard:
                    drawn = self._network(frames)
                return _explained({RECONSTRUCTION: drawn}, {RECONSTRUCTION: heard[0]})
            case "segmentation" | "classification":
                name = MASK if self._kind == "segmentation" else PROBABILITIES
                logits = self._network(frames).float()
                probabilities = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
                return _explained({name: probabilities}, {name: logits})

    def _cascade(self, frames: Tensor) -> Explained:
        with (
            _listening(self._network.get_submodule("segmentation")) as features,
            _listening(self._network.get_submodule("classification")) as logits,
        ):
            mask, score = self._network(frames)
        return _explained({MASK: mask, SCORE: score}, {MASK: features[0][:, -1:], SCORE: logits[0]})


def planes(frames: Pixels) -> Pixels:
    """Frames, (n, h, w) or (n, h, w, 3), uint8 → as models take them, (n, C, h, w), contiguous."""
    moved = frames[:, np.newaxis] if frames.ndim == 3 else frames.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(moved)


def exposed(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose further outputs, `<answer>_logit`, are what stands before the sigmoid or softmax of its answers."""
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    makers = {name: node for node in copied.graph.node for name in node.output}
    for answer in list(copied.graph.output):
        maker = makers.get(answer.name)
        if maker is not None and maker.op_type in ("Sigmoid", "Softmax"):
            copied.graph.node.append(_named_as_logit(maker, answer.name))
            copied.graph.output.append(helper.make_tensor_value_info(_logit(answer.name), TensorProto.FLOAT, None))
    return copied


def _named_as_logit(maker: NodeProto, answer: str) -> NodeProto:
    return helper.make_node("Identity", [maker.input[0]], [_logit(answer)], _logit(answer))


def _logit(answer: str) -> str:
    return f"{answer}_logit"


@contextmanager
def _listening(module: nn.Module) -> Iterator[list[Tensor]]:
    """Give a list that fills with what a module answers within the block."""
    heard: list[Tensor] = []
    handle = module.register_forward_hook(lambda _module, _inputs, answer: heard.append(answer))
    try:
        yield heard
    finally:
        handle.remove()


def _chunks(frames: Pixels) -> Iterator[Pixels]:
    size = max(1, _PIXELS_AT_ONCE // (frames.shape[-2] * frames.shape[-1]))
    for start in range(0, len(frames), size):
        yield frames[start : start + size]


def _explained(answers: Mapping[str, Tensor], logits: Mapping[str, Tensor]) -> Explained:
    return Explained(_as_arrays(answers), _as_arrays(logits))


def _as_arrays(tensors: Mapping[str, Tensor]) -> dict[str, Values]:
    return {name: tensor.float().cpu().numpy() for name, tensor in tensors.items()}


def _joined(parts: list[dict[str, Values]]) -> dict[str, Values]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
