from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from pydantic import JsonValue
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.export.folding import fold

NARROW = [4, 4, 8, 8, 8]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors gain nothing from threads, and the weights of every test are the same."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


def norms(network: nn.Module) -> list[_BatchNorm]:
    """Every batch normalisation of a network."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def trained(network: nn.Module) -> nn.Module:
    """The network in evaluation mode, its batch normalisations as far from doing nothing as training leaves them."""
    for norm in norms(network):
        for tensor, low, high in (
            (norm.running_mean, -0.5, 0.5),
            (norm.running_var, 0.5, 2.0),
            (norm.weight, 0.5, 1.5),
            (norm.bias, -0.5, 0.5),
        ):
            if tensor is not None:
                tensor.data.uniform_(low, high)
    return network.eval()


@torch.no_grad()
def difference(network: nn.Module, folded: nn.Module, given: Tensor) -> float:
    """The largest difference between the answers of both, as a share of the largest answer."""
    answers = [model(given) for model in (network, folded)]
    expected, actual = (answer[-1] if isinstance(answer, tuple) else answer for answer in answers)
    return float((expected - actual).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deeplabv3plus", {"encoder": "efficientnet-b0"}),
        ("deeplabv3plus", {"encoder": "mobilenet_v2"}),
        ("manet", {"encoder": "efficientnet-b0"}),
        ("unet", {"encoder": "efficientnet-b0"}),
        ("custom_unet", {"filters": NARROW}),
        ("convolutional_autoencoder", {}),
        ("unet3plus", {"filters": NARROW}),
        ("improved_cnn", {}),
        ("efficientnet_b0", {}),
        ("resnet18", {}),
        ("commutator_two_stage", {}),
        ("commutator_unet", {"filters": NARROW}),
        ("commutator_residual", {}),
    ],
)
def test_no_normalisation_is_left_and_no_answer_moves(name: str, options: dict[str, JsonValue]) -> None:
    """Wherever a network keeps its batch normalisations, all of them fold, and it answers as before."""
    architecture = ARCHITECTURES[name]
    wanted = replace(architecture.as_in_paper(), height=64, width=64)
    network = trained(architecture.build(wanted, architecture.options.model_validate(options)))
    folded = fold(network)
    assert norms(network)
    assert norms(folded) == []
    frames = torch.randint(0, 256, (2, wanted.channels, 64, 64), dtype=torch.uint8)
    assert difference(network, folded, frames) <= 1e-5


class Attributes(nn.Module):
    """A convolution and a normalisation with its own activation, as timm names them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn1 = BatchNormAct2d(4)

    def forward(self, x: Tensor) -> Tensor:
        """The one after the other."""
        answer: Tensor = self.bn1(self.conv(x))
        return answer


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (lambda: nn.Sequential(nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 2, stride=2), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), (2, 3)),
        (Attributes, (2, 3, 8, 8)),
    ],
    ids=["convolution", "at the end of a sequence", "transposed convolution", "linear", "attributes"],
)
def test_each_kind_of_pair_folds(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """Convolutions, transposed ones and linear layers take their normalisation; its own activation stays."""
    network = trained(make())
    folded = fold(network)
    assert norms(folded) == []
    assert difference(network, folded, torch.randn(shape)) <= 1e-5


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)),
        lambda: nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        lambda: nn.Sequential(nn.ConvTranspose2d(4, 4, 2, groups=2), nn.BatchNorm2d(4)),
    ],
    ids=["normalisation first", "activation between", "transposed convolution in groups"],
)
def test_what_is_no_pair_stays(make: Callable[[], nn.Module]) -> None:
    """A normalisation that no convolution can take is left, and answers as before."""
    network = trained(make())
    folded = fold(network)
    assert len(norms(folded)) == 1
    assert difference(network, folded, torch.randn(2, 4, 8, 8)) == 0


def test_what_stands_side_by_side_is_no_pair() -> None:
    """Neighbours in a list of modules are not computed one after the other."""
    both = nn.ModuleList([nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)])
    assert len(norms(fold(both))) == 1


def test_the_network_itself_is_left_as_it_is() -> None:
    """Folding gives a copy; the original keeps its normalisation, its weights and its mode."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold(network)
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert (network.training, folded.training) == (True, False)
