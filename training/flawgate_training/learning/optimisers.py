"""The optimisers and the schedule of a stage."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.training import Stage

_KINDS: dict[str, Callable[..., Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9, momentum=0.8, centered=True),
}
"""SGD has no momentum, as in SegDec; RMSprop is that of NVIDIA's TinyUNet for DAGM."""


def optimiser(network: nn.Module, config: Stage) -> Optimizer:
    """Make the optimiser of a network.

    Args:
        network: whose weights change.
        config: kind, learning rates, weight decay.

    Raises:
        InvalidExperiment: the encoder has a learning rate of its own, and the network no part of that name.
    """
    kind = _KINDS[config.optimiser]
    return kind(_groups(network, config), lr=config.learning_rate, weight_decay=config.weight_decay)


def schedule(optimiser_: Optimizer, config: Stage, steps: int) -> LambdaLR | None:
    """Make the schedule: `cosine` falls to 0 at the end, by the step; None for a constant rate.

    Args:
        optimiser_: whose learning rates change.
        config: of the stage.
        steps: of the whole stage.
    """
    if config.schedule == "constant":
        return None
    return LambdaLR(optimiser_, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0))))


def _groups(network: nn.Module, config: Stage) -> list[dict[str, Any]]:
    named = list(network.named_parameters())
    if config.encoder_learning_rate is None:
        return [{"params": [weight for _, weight in named]}]
    encoder = [weight for name, weight in named if "encoder" in name.split(".")]
    if not encoder:
        raise InvalidExperiment(
            "This network has no part named encoder; leave encoder_learning_rate out.",
            {"field": "encoder_learning_rate"},
        )
    rest = [weight for name, weight in named if "encoder" not in name.split(".")]
    return [{"params": rest}, {"params": encoder, "lr": config.encoder_learning_rate}]
