"""The files that `models.py` measures: each network of the papers with random weights, at the paper's input size."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flawgate_contracts.kinds import CALLS, FRAME, Call
from flawgate_contracts.recipe import Precision, TensorInput
from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.architectures.counting import count
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.experiment.part import Part
from flawgate_training.export import graphs
from flawgate_training.export.parts import PARTS

CALIBRATION_FRAMES = 2
"""Of noise: int8 is measured here for its speed, not for what it answers."""


@dataclass(frozen=True)
class Network:
    """One network of a paper.

    Attributes:
        architecture: that it is one of.
        options: of the architecture's own class.
        encoder: that tells it from others of its architecture; empty where there is one alone.
    """

    architecture: Architecture
    options: Part
    encoder: str

    @property
    def name(self) -> str:
        """Architecture and encoder."""
        return f"{self.architecture.name} {self.encoder}".strip()

    @property
    def wanted(self) -> Wanted:
        """What the paper builds it for."""
        return self.architecture.as_in_paper()

    @property
    def gmac(self) -> float:
        """Multiplications with addition for one frame, in 1e9."""
        return count(self.architecture, self.options, self.wanted).count.gmac

    def build(self) -> nn.Module:
        """With random weights, the same every time, in evaluation mode."""
        torch.manual_seed(0)
        return self.architecture.build(self.wanted, self.options).eval()

    def frames(self, number: int) -> NDArray[np.uint8]:
        """Noise of the paper's input size, (number, C, H, W)."""
        wanted = self.wanted
        shape = (number, wanted.channels, wanted.height, wanted.width)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def networks(only: Sequence[str]) -> Iterator[Network]:
    """All networks in the papers' order, or those of these architectures or encoders."""
    for architecture in ARCHITECTURES.values():
        for options in architecture.variants:
            encoder = str(options.get("encoder", ""))
            network = Network(architecture, architecture.options.model_validate(options), encoder)
            if not only or not {architecture.name, encoder, network.name}.isdisjoint(only):
                yield network


def export(network: Network, precision: Precision, folder: Path) -> list[Path]:
    """Write a network's models as `flawgate export` does; gives the files in the order of their run."""
    wanted = network.wanted
    folder.mkdir()
    frames = [
        frame[0] if wanted.channels == 1 else frame.transpose(1, 2, 0) for frame in network.frames(CALIBRATION_FRAMES)
    ]
    written = graphs.write(
        network.build(),
        wanted.task,
        TensorInput.model_validate({"channels": wanted.channels, "height": wanted.height, "width": wanted.width}),
        folder,
        form=graphs.Form(precision),
        calibration=frames if precision == "int8" else None,
    )
    return [model.path for model in written]


def export_plainly(network: Network, folder: Path) -> list[Path]:
    """Write the same models by torch's exporter alone, nothing folded or rewritten by us."""
    built, kind = network.build(), network.wanted.task
    folder.mkdir()
    tensors = {FRAME: torch.from_numpy(network.frames(2))}
    files = []
    for call, made in zip(CALLS[kind], PARTS[kind], strict=True):
        part = made(built).eval()
        given = tuple(tensors[name] for name in call.inputs)
        files.append(_write_plainly(part, given, call, folder / f"{call.part}.onnx"))
        with torch.no_grad():
            answer: Any = part(*given)
        tensors |= dict(zip(call.outputs, (answer,) if isinstance(answer, Tensor) else answer, strict=True))
    return files


def _write_plainly(part: nn.Module, given: tuple[Tensor, ...], call: Call, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            part,
            given,
            path,
            dynamo=True,
            input_names=call.inputs,
            output_names=call.outputs,
            dynamic_shapes=tuple({0: torch.export.Dim("batch")} for _ in given),
            external_data=False,
            verbose=False,
        )
    return path
