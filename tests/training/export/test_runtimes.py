from pathlib import Path

import numpy as np
import pytest
import torch

from flawgate_contracts.kinds import ANSWERS
from flawgate_contracts.recipe import TensorInput
from flawgate_training.architectures.commutator import TwoStageNetwork
from flawgate_training.export import graphs
from flawgate_training.export.runtimes import OnnxModels, TorchModels, planes


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 5, 3)])
def test_planes(shape: tuple[int, ...]) -> None:
    """Grey and RGB frames become (n, C, h, w), the pixels where they belong, in one piece."""
    frames = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    moved = planes(frames)
    assert (moved.shape, moved.flags.c_contiguous) == ((2, 1 if len(shape) == 3 else 3, 4, 5), True)
    for channel in range(moved.shape[1]):
        np.testing.assert_array_equal(moved[:, channel], frames if len(shape) == 3 else frames[..., channel])


@pytest.fixture(scope="module")
def network() -> TwoStageNetwork:
    """A cascade."""
    torch.manual_seed(0)
    return TwoStageNetwork().eval()


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """More than are computed at once: 3 of 512×640 pixels."""
    return np.random.default_rng(0).integers(0, 256, (3, 1, 512, 640), dtype=np.uint8)


def test_torch_says_what_the_network_says(network: TwoStageNetwork, frames: np.ndarray) -> None:
    """Answers are those of the network as a whole; its logits become them by a sigmoid."""
    with torch.no_grad():
        mask, score = network(torch.from_numpy(frames))
    found = TorchModels(network, "cascade").explained(frames)
    np.testing.assert_allclose(found.answers["mask"], mask.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.answers["score"], score.numpy(), atol=1e-6)
    for name in ANSWERS["cascade"]:
        np.testing.assert_allclose(1 / (1 + np.exp(-found.logits[name])), found.answers[name], atol=1e-6)


def test_a_forward_of_its_own_is_what_counts(frames: np.ndarray) -> None:
    """Where a network as a whole says something else than its parts would, it is the whole that is compared with."""
    answers = TorchModels(Moody().eval(), "cascade").answers(frames[:1])
    assert answers["score"].tolist() == [[0.25]]


class Moody(TwoStageNetwork):
    """Says something else when it is asked as a whole than its two parts say."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        mask, score = super().forward(frames)
        return mask, torch.full_like(score, 0.25)


def test_files_are_left_as_they_are(network: TwoStageNetwork, tmp_path: Path) -> None:
    """Asking for logits changes no file and no answer."""
    written = graphs.write(network, "cascade", TensorInput(channels=1, height=64, width=64), tmp_path)
    before = {each.path: each.path.read_bytes() for each in written}
    models = OnnxModels({each.call.part: each.path for each in written}, "cascade", threads=1)
    few = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64), dtype=np.uint8)
    plain, explained = models.answers(few), models.explained(few)
    assert {path: path.read_bytes() for path in before} == before
    for name in ANSWERS["cascade"]:
        np.testing.assert_array_equal(explained.answers[name], plain[name])
        np.testing.assert_allclose(1 / (1 + np.exp(-explained.logits[name])), plain[name], atol=1e-6)
