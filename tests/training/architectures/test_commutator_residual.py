import pytest
import torch

from flawgate_training.architectures.commutator_residual import (
    BOUND,
    MapClassification,
    ResidualBlock,
    ResidualSegmentation,
)
from flawgate_training.architectures.networks import Cascade
from flawgate_training.architectures.registry import ARCHITECTURES


def test_a_map_at_an_eighth() -> None:
    """The first stage says one logit for every 8×8 pixels, and at first that nothing is a defect."""
    network = ResidualSegmentation((8, 8, 16)).eval()
    with torch.no_grad():
        answer = network(torch.randint(0, 256, (2, 1, 64, 96), dtype=torch.uint8))
    assert answer.shape == (2, 1, 8, 12)
    assert float(answer.sigmoid().median()) < 0.1


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
    network.body(frames / 127.5 - 1)[0, :, 32, 32].sum().backward()
    assert frames.grad is not None
    assert bool(frames.grad[0, 0, :57].any()) is reaches


def test_heads_vote() -> None:
    """In evaluation the classification says the mean of what its heads say each by itself."""
    network = MapClassification(heads=3).eval()
    logit = torch.randn(2, 1, 24, 16)
    with torch.no_grad():
        votes = torch.cat([head(logit.clamp(-BOUND, BOUND)) for head in network.heads], dim=1)
        torch.testing.assert_close(network(logit), votes.mean(dim=1, keepdim=True))
        assert float(votes.std(dim=1).min()) > 0
        assert network.train()(logit).shape == (2, 3)


def test_how_sure_a_map_is_beyond_the_bound_does_not_count() -> None:
    """A map of 0.9 and one of 0.999 are the same to the classification."""
    network = MapClassification(heads=2).eval()
    logit = torch.randn(1, 1, 16, 16).sign() * 2.2
    with torch.no_grad():
        torch.testing.assert_close(network(logit), network(3 * logit))


def test_options_reach_the_network() -> None:
    """Widths and heads are those of the options."""
    architecture = ARCHITECTURES["commutator_residual"]
    network = architecture.build(
        architecture.as_in_paper(), architecture.options.model_validate({"widths": [4, 8, 12], "heads": 2})
    )
    assert isinstance(network, Cascade)
    assert network.get_parameter("segmentation.head.weight").shape == (1, 12, 1, 1)
    assert network.classification(torch.zeros(1, 1, 8, 8)).shape == (1, 2)
