"""What the tests of architectures share: experiments that differ in their network, task and input alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from pydantic import JsonValue

from flawgate_contracts.steps import Colour, Grey, Resize
from flawgate_training.experiment.data import TextureData
from flawgate_training.experiment.schema import STAGES, Experiment, Network, Task
from flawgate_training.experiment.training import Loss, Stage

Describe = Callable[..., Experiment]

_STAGE = Stage(epochs=1, batch_size=1, loss=Loss(name="bce"), sampler="shuffled", learning_rate=0.1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors gain nothing from threads, and busy machines lose by them."""
    torch.set_num_threads(1)


@pytest.fixture
def describe() -> Describe:
    """Makes an experiment."""

    def made(
        architecture: str,
        task: Task,
        *,
        channels: int = 1,
        size: tuple[int, int] = (64, 64),
        options: Mapping[str, JsonValue] | None = None,
        weights: Path | None = None,
    ) -> Experiment:
        network = Network(
            architecture=architecture, options=dict(options or {}), weights=None if weights is None else str(weights)
        )
        return Experiment(
            name="test",
            title="A test",
            task=task,
            network=network,
            data=TextureData(),
            steps=(Grey() if channels == 1 else Colour(), Resize(height=size[0], width=size[1])),
            stages=dict.fromkeys(STAGES[task], _STAGE),
        )

    return made
