import pytest
import torch
from torch import nn

from flawgate_training.architectures.commutator import (
    ClassificationNetwork,
    SegmentationNetwork,
    TwoStageNetwork,
)


def weights(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (SegmentationNetwork(), 1_118_001),
        (SegmentationNetwork(blocks=(1, 3, 3, 4)), 1_504_929),
        (ClassificationNetwork(), 6_542),
        (TwoStageNetwork(), 1_124_543),
    ],
)
def test_parameters(network: nn.Module, count: int) -> None:
    """The networks have the weights that table 1 of paper d leads to; 1,504,929 with its column N as printed."""
    assert weights(network) == count


@pytest.mark.parametrize(("height", "width"), [(1408, 512), (64, 96)])
def test_stages_halve(height: int, width: int) -> None:
    """Each strided stage halves the frame: table 1, with 176×64 where it misprints 178×64."""
    network = SegmentationNetwork().eval()
    with torch.no_grad():
        x = network.stem(torch.zeros(1, 1, height, width))
        sizes = [tuple(x.shape[1:])]
        for part in network.stages:
            x = part(x)
            sizes.append(tuple(x.shape[1:]))
    shrunk = [(16, 2), (16, 2), (24, 4), (48, 8), (96, 16)]
    assert sizes == [(channels, height // by, width // by) for channels, by in shrunk]


@pytest.mark.parametrize("batch", [1, 3])
def test_answers(batch: int) -> None:
    """A batch of uint8 frames gives a mask at an eighth of the size and one score a frame, all 0–1."""
    network = TwoStageNetwork().eval()
    with torch.no_grad():
        mask, score = network(torch.randint(0, 256, (batch, 1, 64, 96), dtype=torch.uint8))
    assert (mask.shape, score.shape) == ((batch, 1, 8, 12), (batch, 1))
    assert bool(((mask >= 0) & (mask <= 1)).all())
    assert bool(((score >= 0) & (score <= 1)).all())


def test_rectified_map() -> None:
    """By default the classifier sees ReLU of the map; without, it sees negative logits too."""
    features = torch.rand(1, 145, 8, 8)
    silent, negative = features.clone(), features.clone()
    silent[:, 144:], negative[:, 144:] = 0.0, -3.0
    rectified, raw = ClassificationNetwork().eval(), ClassificationNetwork(rectify_map=False).eval()
    raw.load_state_dict(rectified.state_dict())
    with torch.no_grad():
        assert torch.equal(rectified(silent), rectified(negative))
        assert not torch.allclose(raw(silent), raw(negative))


def test_starts_at_the_prior() -> None:
    """An untrained network calls next to nothing a defect, instead of every second pixel."""
    torch.manual_seed(0)
    with torch.no_grad():
        mask, _ = TwoStageNetwork().eval()(torch.full((1, 1, 64, 64), 128, dtype=torch.uint8))
    assert float(mask.mean()) < 0.05


def test_keys_stay() -> None:
    """Weights that were trained before keep fitting: the keys of the network are what they always were."""
    keys = list(TwoStageNetwork().state_dict())
    assert len(keys) == 556
    assert {key.rpartition(".")[0].split(".")[0] for key in keys} == {"segmentation", "classification"}
    assert keys[0] == "segmentation.stem.0.0.weight"
    assert "segmentation.stages.2.1.body.2.reduce.bias" in keys
    assert "segmentation.head.weight" in keys
    assert keys[-1] == "classification.decision.bias"
