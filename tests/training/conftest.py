"""What the tests of training share: tiny settings, tiny data, and the real KolektorSDD where there is one."""

import os
from pathlib import Path

import pytest
import torch

from flawgate_training.config import RunConfig, StageConfig, TextureData
from flawgate_training.datasets import texture
from flawgate_training.datasets.samples import Sample, input_steps

SIZE = 64


def stage(epochs: int, batch_size: int = 2) -> StageConfig:
    """A short stage."""
    return StageConfig(epochs=epochs, learning_rate=1e-3, schedule="cosine", batch_size=batch_size)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors gain nothing from threads, and busy machines lose by them."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> RunConfig:
    """A run of seconds: 64×64 pixels, eight samples, two epochs."""
    return RunConfig(
        data=TextureData(train_samples=8, test_samples=8),
        height=SIZE,
        width=SIZE,
        interpolation="area",
        segmentation=stage(2),
        classification=stage(2),
        bank_epochs=1,
    )


@pytest.fixture(scope="session")
def tiny_samples(tiny_config: RunConfig) -> list[Sample]:
    """Eight generated textures, four of them defective."""
    return texture.load(range(8), steps=input_steps(tiny_config), dilation=1)


@pytest.fixture(scope="session")
def kolektor_folder() -> Path:
    """The real KolektorSDD, where there is one."""
    named = os.environ.get("FLAWGATE_KSDD")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "data" / "KolektorSDD"
    if not folder.is_dir():
        pytest.skip("KolektorSDD is not here; set FLAWGATE_KSDD to its folder")
    return folder
