import pytest
import torch

from flawgate_training.architectures.leather import LeatherCnn, Pooling


def answers(pooling: Pooling) -> list[float]:
    """What a random network says of the same dark spot in two places, 8 pixels apart, far from the borders."""
    torch.manual_seed(3)
    network = LeatherCnn(1, 96, 96, 1, pooling).eval()
    frames = torch.ones(2, 1, 96, 96)
    for frame, corner in enumerate((40, 48)):
        frames[frame, :, corner : corner + 6, corner : corner + 6] = -1
    with torch.no_grad():
        return [float(logit) for logit in network(frames)[:, 0]]


def test_with_pooling_a_defect_counts_alike_everywhere() -> None:
    """A shift by the network's stride of 8 pixels changes nothing where maxima and means decide."""
    here, there = answers("global")
    assert here == pytest.approx(there, abs=1e-5)


def test_without_pooling_each_place_has_its_own_weights() -> None:
    """The network of the paper's source answers otherwise when the same spot lies elsewhere."""
    here, there = answers("none")
    assert abs(here - there) > 1e-3
