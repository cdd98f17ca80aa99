"""Publishing tiny networks as recipes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from flawgate_training.datasets import texture
from flawgate_training.experiment.schema import Task
from flawgate_training.export.card import DatasetCard
from flawgate_training.export.parity import NamedFrame
from flawgate_training.export.publication import Material, Published, publish
from flawgate_training.export.recipes import Request
from flawgate_training.runs import Run
from support import tiny_training


def run_of(task: Task, classes: Sequence[str] = tiny_training.CLASSES[:2], *, seed: int = 1, **changes: Any) -> Run:
    """A tiny network as after training, and its experiment."""
    experiment = tiny_training.experiment(task, **changes)
    torch.manual_seed(seed)
    network = tiny_training.build(experiment, classes)
    with torch.no_grad():
        shown = experiment.input
        network.train()(torch.randint(0, 256, (8, shown.channels, shown.height, shown.width), dtype=torch.uint8))
    return Run(experiment, tuple(classes), network.eval(), 12.5, "cpu", 1, {"torch": "0"})


def material(channels: int = 1) -> Material:
    """Drawn frames, and words about them."""
    samples = tiny_training.samples(channels=channels)
    frames = [NamedFrame(sample.name, sample.pixels) for sample in samples]
    card = DatasetCard(
        name="drawn", source="tests", licence="Apache-2.0", notice="None.", files=7, sha256="0" * 64, split={"test": 7}
    )
    return Material(frames, card, calibration=[frame.pixels for frame in frames])


def published(run: Run, repository: Path, name: str = "tiny", **asked: Any) -> Published:
    """Publish it."""
    return publish(replace(Request(run, texture.ABOUT, name), **asked), material(), repository)


def config(path: Path) -> model_config_pb2.ModelConfig:
    """A config.pbtxt, read by protobuf itself."""
    return text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
