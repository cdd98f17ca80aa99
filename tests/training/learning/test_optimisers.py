from typing import Any

import pytest
import torch
from support.tiny_training import Body, experiment
from torch import nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.training import Stage
from flawgate_training.learning.optimisers import optimiser, schedule


def stage(**changes: Any) -> Stage:
    """A stage with these settings."""
    return experiment(**changes).stages["segmentation"]


@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [
        ("adam", torch.optim.Adam, {"weight_decay": 0.1}),
        ("adamw", torch.optim.AdamW, {"weight_decay": 0.1}),
        ("sgd", torch.optim.SGD, {"weight_decay": 0.1, "momentum": 0}),
        ("rmsprop", torch.optim.RMSprop, {"weight_decay": 0.1, "momentum": 0.8, "alpha": 0.9, "centered": True}),
    ],
)
def test_kinds(name: str, kind: type[torch.optim.Optimizer], settings: dict[str, Any]) -> None:
    """Each name stands for torch's optimiser, with the settings of the experiment and of its source."""
    made = optimiser(Body(1, 1), stage(optimiser=name, learning_rate=0.5, weight_decay=0.1))
    assert type(made) is kind
    assert {key: made.defaults[key] for key in settings} == settings
    assert [group["lr"] for group in made.param_groups] == [0.5]


def test_an_encoder_has_a_rate_of_its_own() -> None:
    """Weights below a part named encoder learn at their own rate, all others at the usual one; none is left out."""
    network = nn.Sequential(Body(1, 1))
    made = optimiser(network, stage(learning_rate=0.5, encoder_learning_rate=0.1))
    rates = {id(weight): group["lr"] for group in made.param_groups for weight in group["params"]}
    expected = {id(weight): 0.1 if ".encoder." in name else 0.5 for name, weight in network.named_parameters()}
    assert rates == expected
    assert sorted(set(rates.values())) == [0.1, 0.5]


def test_no_encoder() -> None:
    """A rate for an encoder that is not there is refused."""
    with pytest.raises(InvalidExperiment, match="no part named encoder"):
        optimiser(nn.Linear(1, 1), stage(encoder_learning_rate=0.1))


def test_cosine() -> None:
    """The rates of all groups fall along a cosine: whole at the start, half in the middle, 0 at the end."""
    config = stage(learning_rate=1.0, encoder_learning_rate=0.1, schedule="cosine")
    made = optimiser(Body(1, 1), config)
    falling = schedule(made, config, steps=4)
    assert falling is not None
    rates = [falling.get_last_lr()]
    for _ in range(4):
        made.step()
        falling.step()
        rates.append(falling.get_last_lr())
    assert [rate[0] for rate in rates] == pytest.approx([1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-6)
    assert [rate[1] for rate in rates] == pytest.approx([rate[0] / 10 for rate in rates])


def test_constant() -> None:
    """A constant rate has no schedule."""
    config = stage(schedule="constant")
    assert schedule(optimiser(Body(1, 1), config), config, steps=4) is None
