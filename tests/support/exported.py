"""Every architecture of every task, exported once at its smallest input; deeper encoders of a family left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import nn

from flawgate_contracts.kinds import EXPLANATION
from flawgate_contracts.recipe import Precision, TensorInput
from flawgate_training.architectures.architecture import Wanted
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.experiment.schema import Task
from flawgate_training.export import graphs
from flawgate_training.export.graphs import Form, Written
from flawgate_training.export.runtimes import OnnxModels, TorchModels


@dataclass(frozen=True)
class Use:
    """A network of a paper, put to one task."""

    architecture: str
    task: Task
    options: Mapping[str, JsonValue]

    def __str__(self) -> str:
        encoder = [str(self.options["encoder"])] if "encoder" in self.options else []
        shortcut = ["shortcut"] if self.options.get("shortcut") else []
        return "-".join([self.architecture, *encoder, *shortcut, self.task])

    @property
    def wanted(self) -> Wanted:
        """For the smallest frames that the architecture takes, a little wider than high, so that a mix-up shows."""
        of = ARCHITECTURES[self.architecture]
        outputs = of.channels if self.task == "anomaly" else 1 if self.task == "cascade" else of.outputs
        return Wanted(self.task, of.channels, of.smallest, of.smallest + max(of.multiple, 8), outputs)

    @property
    def shown(self) -> TensorInput:
        """What its first model takes."""
        return TensorInput(channels=self.wanted.channels, height=self.wanted.height, width=self.wanted.width)

    def frames(self, count: int, *, seed: int = 1) -> NDArray[np.uint8]:
        """Noise of several brightnesses, (count, C, h, w)."""
        generator = np.random.default_rng(seed)
        shape = (count, self.shown.channels, self.shown.height, self.shown.width)
        bright = generator.integers(32, 256, (count, 1, 1, 1))
        return np.asarray(generator.integers(0, bright, shape), np.uint8)

    def network(self) -> nn.Module:
        """With random weights, and normalisations that do something: as if it had learned."""
        torch.manual_seed(0)
        of = ARCHITECTURES[self.architecture]
        network = of.build(self.wanted, of.options.model_validate(dict(self.options))).train()
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        with torch.no_grad():
            for norm in (each for each in norms if each.affine):
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0.0, 0.1)
            for seed in range(3):
                network(torch.from_numpy(self.frames(2, seed=seed)))
        return network.eval()


_SLIM: Mapping[str, JsonValue] = {"filters": [4, 4, 8, 8, 8]}
"""Few channels for the widest networks: the same operators in the same order, in seconds."""

_WIDE = ("custom_unet", "unet3plus", "commutator_unet")

DEEPER = ("efficientnet-b1", "efficientnet-b2", "resnet50", "resnet101")
"""Encoders that repeat another's blocks (resnet50's stand in `commutator_deeplabv3plus`), so that no operator is theirs
alone; `make export-all` exports them too."""

USES = (
    *(
        Use(name, task, _SLIM if name in _WIDE else options)
        for name, architecture in ARCHITECTURES.items()
        for options in architecture.variants
        for task in architecture.tasks
        if options.get("encoder") not in DEEPER
    ),
    Use("custom_unet", "anomaly", {**_SLIM, "shortcut": True}),
)


@dataclass(frozen=True)
class Exported:
    """A network and its files."""

    use: Use
    network: nn.Module
    written: tuple[Written, ...]

    @property
    def trained(self) -> TorchModels:
        """The network, run by torch."""
        explained = self.written[-1].call.outputs[-1] == EXPLANATION
        return TorchModels(self.network, self.use.task, with_explanation=explained)

    @property
    def models(self) -> OnnxModels:
        """The files, run by ONNX Runtime."""
        return OnnxModels({each.call.part: each.path for each in self.written}, self.use.task, threads=1)


class ExportedArchitectures:
    """Exports each use when it is first asked for, and keeps it.

    Args:
        folder: for the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, Precision], Exported] = {}

    def __call__(self, use: Use, precision: Precision = "fp32") -> Exported:
        """The use, exported."""
        key = str(use), precision
        if key not in self._made:
            self._made[key] = self._export(use, precision)
        return self._made[key]

    def _export(self, use: Use, precision: Precision) -> Exported:
        folder = self._folder / f"{use}-{precision}"
        folder.mkdir()
        network = use.network()
        frames = [frame[0] if len(frame) == 1 else frame.transpose(1, 2, 0) for frame in use.frames(8)]
        calibration = frames if precision == "int8" else None
        written = graphs.write(network, use.task, use.shown, folder, form=Form(precision), calibration=calibration)
        return Exported(use, network, written)
