import pytest
import torch

from flawgate_training.architectures.commutator import ClassificationNetwork
from flawgate_training.architectures.commutator_residual import ResidualBlock, ResidualSegmentation
from flawgate_training.architectures.networks import Cascade
from flawgate_training.architectures.registry import ARCHITECTURES


@pytest.mark.parametrize("last", [8, 64])
def test_features_at_an_eighth(last: int) -> None:
    """The last of the widths is the number of features; behind them stands the logit of the map."""
    network = ResidualSegmentation((8, 8, last)).eval()
    with torch.no_grad():
        answer = network(torch.randint(0, 256, (2, 1, 64, 96), dtype=torch.uint8))
    assert answer.shape == (2, last + 1, 8, 12)


def test_an_untrained_block_does_nothing() -> None:
    """A block begins as its shortcut, however many there are."""
    features = torch.rand(1, 8, 16, 16)
    torch.testing.assert_close(ResidualBlock(8, dilation=4)(features), features)


@pytest.mark.parametrize(("dilations", "reaches"), [((1,), False), ((1, 2, 4, 8), True)])
def test_dilation_widens_what_is_seen(dilations: tuple[int, ...], *, reaches: bool) -> None:
    """The map in the middle depends on what lies 200 pixels away only with dilated blocks."""
    torch.manual_seed(0)
    network = ResidualSegmentation((4, 4, 4), dilations=dilations).eval()
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            torch.nn.init.ones_(block.get_parameter("body.2.1.weight"))
    frames = torch.full((1, 1, 512, 512), 128.0, requires_grad=True)
    network(frames)[0, :-1, 32, 32].sum().backward()
    assert frames.grad is not None
    assert bool(frames.grad[0, 0, :57].any()) is reaches


def test_a_map_that_is_not_rectified() -> None:
    """The classification takes the width and the way of the map from the options."""
    architecture = ARCHITECTURES["commutator_residual"]
    options = architecture.options.model_validate({"widths": [4, 8, 12], "rectify_map": False})
    network = architecture.build(architecture.as_in_paper(), options)
    assert isinstance(network, Cascade)
    assert isinstance(network.classification, ClassificationNetwork)
    assert network.classification.rectify_map is False
    assert network.classification(torch.zeros(1, 13, 8, 8)).shape == (1, 1)
