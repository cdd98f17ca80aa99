"""Training of seconds: drawn frames of 32×32 pixels, networks of a few hundred weights, experiments of two epochs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from flawgate_contracts.tiling import Tiling
from flawgate_training.architectures.networks import Cascade, Classifier, Reconstructor, Segmenter
from flawgate_training.datasets.items import Item, Picture
from flawgate_training.datasets.samples import Preparation, Samples
from flawgate_training.experiment.schema import STAGES, Experiment, Task
from flawgate_training.experiment.training import FeatureBank

SIZE = 32
CLASSES = ("good", "spot", "stripe")


@dataclass(frozen=True)
class Drawn:
    """A noisy surface, with a bright spot where the class is 1 and a dark stripe where it is 2."""

    number: int
    label: int
    channels: int = 1

    def read(self) -> Picture:
        """The picture, always the same."""
        rng = np.random.default_rng(self.number)
        shape = (SIZE, SIZE) if self.channels == 1 else (SIZE, SIZE, self.channels)
        pixels = rng.integers(100, 140, shape).astype(np.uint8)
        mask = np.zeros((SIZE, SIZE), np.uint8)
        top, left = rng.integers(0, SIZE - 8, 2)
        where = np.s_[top : top + 8, left : left + 8] if self.label == 1 else np.s_[top : top + 4, :]
        if self.label:
            pixels[where] = 220 if self.label == 1 else 30
            mask[where] = self.label
        return Picture(pixels, mask)


def item(number: int, label: int, channels: int = 1) -> Item:
    """One drawn frame."""
    digest = hashlib.sha256(f"{number} {label} {channels}".encode()).hexdigest()
    return Item(f"frame{number}", f"frame{number}", label, label > 0, digest, Drawn(number, label, channels))


def experiment(task: Task = "segmentation", *, channels: int = 1, **stage: Any) -> Experiment:
    """A short experiment; `stage` changes each of its stages, the rest goes by itself."""
    loss = {title: "mse" if title == "reconstruction" else "bce" for title in STAGES[task]}
    usual: dict[str, Any] = {"epochs": 2, "batch_size": 2, "sampler": "shuffled", "learning_rate": 1e-3}
    changes = {name: stage.pop(name) for name in ("machine", "tiling", "seed", "network") if name in stage}
    return Experiment.model_validate(
        {
            "name": "tiny",
            "title": "Drawn frames",
            "task": task,
            "network": {"architecture": "tiny"},
            "data": {"kind": "texture"},
            "steps": [
                {"op": "grey" if channels == 1 else "colour"},
                {"op": "resize", "height": SIZE, "width": SIZE},
            ],
            "stages": {title: usual | {"loss": {"name": loss[title]}} | stage for title in STAGES[task]},
        }
        | changes
    )


def parted(wanted: Experiment) -> Experiment:
    """A cascade whose classification learns from a bank of two parts, each as a refinement without it sees them."""
    classification = wanted.stages["classification"].model_copy(update={"bank": FeatureBank(epochs=2, parts=2)})
    return wanted.model_copy(update={"stages": wanted.stages | {"classification": classification}})


def samples(labels: Sequence[int] = (0, 1, 0, 1, 0, 1, 0), channels: int = 1) -> Samples:
    """Drawn frames of these classes."""
    steps = experiment(channels=channels).steps
    items = [item(number, label, channels) for number, label in enumerate(labels)]
    return Samples(items, Preparation(steps), memory_bytes=1 << 20)


class Mean(nn.Module):
    """Features, (N, C, H, W) → their means over the frame, (N, C)."""

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        return features.mean(dim=(2, 3))


class Body(nn.Module):
    """A network with what real ones have: a part named encoder, batch normalisation and dropout."""

    def __init__(self, channels: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(channels, 4, 3, stride=stride, padding=1)
        self.head = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(4, outputs, 1))

    def forward(self, frames: Tensor) -> Tensor:
        """Normalised frames, (N, C, H, W) → (N, outputs, H / stride, W / stride)."""
        logits: Tensor = self.head(self.encoder(frames))
        return logits


class Coarse(Body):
    """The segmentation of a cascade: frames, uint8 → four features and a logit at an eighth of the size."""

    def __init__(self) -> None:
        super().__init__(1, 5, stride=8)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        return super().forward(frames.float() / 127.5 - 1)


def build(wanted: Experiment, classes: Sequence[str]) -> nn.Module:
    """As the registry does, but tiny: (experiment, classes) → network."""
    channels, outputs = wanted.input.channels, 1 if len(classes) == 2 else len(classes)
    if wanted.task == "cascade":
        return Cascade(Coarse(), nn.Sequential(Mean(), nn.Linear(5, 1)))
    kinds: Mapping[str, nn.Module] = {
        "segmentation": Segmenter(Body(channels, outputs)),
        "classification": Classifier(nn.Sequential(Body(channels, outputs), Mean())),
        "anomaly": Reconstructor(Body(channels, channels)),
    }
    return kinds[wanted.task]


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether all weights and running statistics are equal, bit by bit."""
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


TILING = Tiling(height=32, width=16, stride_y=32, stride_x=8)
"""Three tiles a frame."""
