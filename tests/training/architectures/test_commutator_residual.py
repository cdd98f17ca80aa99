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


@pytest.fixture
def classification() -> MapClassification:
    """With random weights of either sign, and statistics of random maps."""
    torch.manual_seed(0)
    network = MapClassification().train()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0, 0.5)
        for _ in range(20):
            network(3 * torch.randn(4, 1, 24, 16))
    return network.eval()


@pytest.mark.parametrize("more", [0.01, 1.0, 20.0])
def test_a_mark_never_excuses_a_part(classification: MapClassification, more: float) -> None:
    """Wherever and however much the map rises, the answer does not fall; and somewhere it rises."""
    answers = torch.zeros(0)
    for _ in range(30):
        logit = 3 * torch.randn(1, 1, 24, 16)
        row, column = torch.randint(24, ()), torch.randint(16, ())
        marked = logit.clone()
        marked[..., row : row + 6, column : column + 6] += more
        with torch.no_grad():
            answers = torch.cat([answers, (classification(marked) - classification(logit)).flatten()])
    assert float(answers.min()) >= 0
    assert float(answers.max()) > 0


def test_a_rim_is_told_from_the_middle(classification: MapClassification) -> None:
    """The same mark counts differently near a rim, and differently near each.

    All lie so far within, and on the same grid of strides, that without the rims their answers are the same.
    """
    corners = [(76, 76), (76, 16), (76, 140), (16, 76), (140, 76)]
    logit = torch.full((len(corners), 1, 160, 160), -6.0)
    for one, (row, column) in zip(logit, corners, strict=True):
        one[:, row : row + 4, column : column + 4] = 6.0
    with torch.no_grad():
        answers = classification(logit).flatten().tolist()
    assert len({round(answer, 4) for answer in answers}) == len(corners)


def test_how_sure_a_map_is_beyond_the_bound_does_not_count(classification: MapClassification) -> None:
    """A map of 0.9 and one of 0.999 are the same to the classification."""
    logit = torch.randn(1, 1, 16, 16).sign() * BOUND * 1.1
    with torch.no_grad():
        torch.testing.assert_close(classification(logit), classification(3 * logit))


def test_an_untrained_classification_is_undecided() -> None:
    """Its first answers are small enough to learn from."""
    torch.manual_seed(0)
    with torch.no_grad():
        answers = MapClassification().train()(3 * torch.randn(8, 1, 176, 64))
    assert float(answers.abs().max()) < 10


def test_options_reach_the_network() -> None:
    """Widths are those of the options."""
    architecture = ARCHITECTURES["commutator_residual"]
    network = architecture.build(
        architecture.as_in_paper(), architecture.options.model_validate({"widths": [4, 8, 12]})
    )
    assert isinstance(network, Cascade)
    assert network.get_parameter("segmentation.head.weight").shape == (1, 12, 1, 1)
    assert network.classification(torch.zeros(2, 1, 8, 8)).shape == (2, 1)
