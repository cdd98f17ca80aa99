"""A classifier's part with a second answer: where the class that it answers is seen.

The same as `flawgate_training.explain.explained` shows of the class answered, in the resolution of the network's last
maps: Grad-CAM (Selvaraju 2017, section 3), or where that says nothing HiResCAM (Draelos and Carin 2020, section 3).
The gradient is part of the graph, see `gradients`, since nothing differentiates where it is served.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from flawgate_training.architectures.networks import Classifier
from flawgate_training.architectures.registry import cam_head, cam_layer
from flawgate_training.export.gradients import Passed, is_known, leaves, through

_LEAST = 1e-7
"""A map that nowhere reaches this counts as 0 throughout, as in `explain`."""


class ExplainedProbabilities(nn.Module):
    """`frame`, (N, C, H, W), uint8 → `probabilities`, (N, K), and `explanation`, (N, h, w); float32, 0–1.

    The explanation is that of the class of the largest probability; of a single class, of "defective". In each frame it
    reaches from 0 to 1; it is 0 throughout where nothing speaks for the class.

    Args:
        network: one that `can_be_explained`.
    """

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network
        self._head = tuple(leaves(cam_head(network)))

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        with ExitStack() as stack:
            (maps, *heads) = [stack.enter_context(_passing(each)) for each in (cam_layer(self.network), *self._head)]
            logits = self.network(frame).float()
        gradient = _answered(logits)
        for layer, passed in zip(reversed(self._head), reversed(heads), strict=True):
            gradient = through(layer, passed[0], gradient)
        probabilities = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
        return probabilities, _shown(maps[0].answer, gradient)


def can_be_explained(network: nn.Module) -> bool:
    """Whether the gradient of every layer behind a classifier's last maps can be written out."""
    if not isinstance(network, Classifier):
        return False
    head = cam_head(network)
    return bool(head) and all(map(is_known, leaves(head)))


@contextmanager
def _passing(layer: nn.Module) -> Iterator[list[Passed]]:
    """Give a list that fills with what goes through a layer within the block, in float32."""
    passed: list[Passed] = []

    def keep(_layer: nn.Module, inputs: tuple[Tensor, ...], answer: Tensor) -> None:
        passed.append(Passed(inputs[0].float(), answer.float()))

    handle = layer.register_forward_hook(keep)
    try:
        yield passed
    finally:
        handle.remove()


def _answered(logits: Tensor) -> Tensor:
    """(N, K) → (N, K): 1 at the first of the largest, else 0."""
    classes = torch.arange(logits.shape[1], device=logits.device)
    return (logits.argmax(dim=1, keepdim=True) == classes).float()


def _shown(maps: Tensor, gradient: Tensor) -> Tensor:
    """(N, K, h, w) twice → (N, h, w), 0–1."""
    usual = _stretched((maps * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1))
    close = _stretched((maps * gradient).sum(dim=1))
    silent = usual.amax(dim=(1, 2), keepdim=True) == 0
    return torch.where(silent, close, usual)


def _stretched(cam: Tensor) -> Tensor:
    """What is above 0, (N, h, w), each from 0 to 1."""
    cam = cam.relu()
    cam = cam - cam.amin(dim=(1, 2), keepdim=True)
    return cam / cam.amax(dim=(1, 2), keepdim=True).clamp_min(_LEAST)
