"""Our batch normalisation is torch's: answers, running statistics, gradients."""

import pytest
import torch
from torch import Tensor, nn

from flawgate_training.architectures.normalisation import BatchNorm2d


def learned(norm: nn.BatchNorm2d, frames: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """What one step leaves: the answer, gradients, and the running statistics."""
    x = frames.clone().to(memory_format=torch.channels_last).requires_grad_()
    answer = norm.train()(x)
    answer.backward(wanted)
    assert x.grad is not None
    left = {"answer": answer, "input": x.grad, **dict(norm.named_buffers())}
    left |= {name: weight.grad for name, weight in norm.named_parameters() if weight.grad is not None}
    return {name: each.detach().double() for name, each in left.items()}


@pytest.mark.parametrize("shape", [(3, 16, 9, 14), (2, 145, 5, 4), (1, 1, 7, 3), (4, 8, 1, 1)], ids=str)
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_a_step_leaves_what_torchs_own_leaves(shape: tuple[int, int, int, int], offset: float) -> None:
    """Also where values lie far from 0, of which sums of squares would lose all digits."""
    torch.manual_seed(3)
    ours = BatchNorm2d(shape[1], momentum=0.02)
    nn.init.uniform_(ours.weight, 0.5, 1.5)
    exact = nn.BatchNorm2d(shape[1], momentum=0.02).double()
    exact.load_state_dict(ours.state_dict())
    frames, wanted = torch.randn(shape) + offset, torch.randn(shape)
    told, truth = learned(ours, frames, wanted), learned(exact, frames.double(), wanted.double())
    assert told.keys() == truth.keys()
    for name, each in told.items():
        torch.testing.assert_close(each, truth[name], rtol=1e-4, atol=2e-4 if offset else 2e-5)


def test_what_it_does_not_do_itself_torch_does() -> None:
    """Rows beside each other as torch makes them by default, a single value, evaluation."""
    norm = BatchNorm2d(4)
    frames = torch.randn(2, 4, 3, 3)
    assert torch.equal(norm.train()(frames), nn.BatchNorm2d(4)(frames))
    assert torch.equal(norm.eval()(frames), nn.functional.batch_norm(frames, norm.running_mean, norm.running_var))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norm.train()(torch.randn(1, 4, 1, 1).to(memory_format=torch.channels_last))


def test_it_is_taken_where_torchs_own_is_slow() -> None:
    """Else all of this would be idle."""
    norm = BatchNorm2d(4)
    frames = torch.randn(2, 4, 3, 3)
    assert "Normalised" in str(norm(frames.to(memory_format=torch.channels_last)).grad_fn)
    assert "Normalised" not in str(norm(frames).grad_fn)
