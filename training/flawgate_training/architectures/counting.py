"""What a network costs: parameters, multiplications and bytes, counted without computing anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.experiment.part import Part


@dataclass(frozen=True)
class Count:
    """What a network costs.

    Attributes:
        parameters_used: of the layers that take part in the forward pass; paper a's table counts these.
        parameters: all of them.
        gmac: multiplications with addition for one frame, in 1e9; convolutions and matrix products alone.
        size_mb: of weights and running statistics, in 1e6 bytes.
    """

    parameters_used: int
    parameters: int
    gmac: float
    size_mb: float


@dataclass(frozen=True)
class Costs:
    """A count, and the shapes of the answer for one frame.

    Attributes:
        count: the count.
        answers: shapes of what `forward` returns, the batch of one included.
    """

    count: Count
    answers: tuple[tuple[int, ...], ...]


def count(architecture: Architecture, options: Part, wanted: Wanted) -> Costs:
    """Build a network on torch's meta device, which holds shapes but no numbers, and show it one frame.

    Args:
        architecture: what to build.
        options: of the architecture's own class.
        wanted: for what.
    """
    with torch.device("meta"):
        network = architecture.build(wanted, options).eval()
        frame = torch.zeros(1, wanted.channels, wanted.height, wanted.width, dtype=torch.uint8)
    with _listening(network) as used, FlopCounterMode(display=False) as operations, torch.no_grad():
        answer = network(frame)
    answers = (answer,) if isinstance(answer, Tensor) else answer
    counted = Count(
        parameters_used=sum(parameter.numel() for parameter in used),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gmac=operations.get_total_flops() / 2e9,
        size_mb=sum(value.nbytes for value in network.state_dict().values()) / 1e6,
    )
    return Costs(counted, tuple(tuple(each.shape) for each in answers))


@contextmanager
def _listening(network: nn.Module) -> Iterator[set[nn.Parameter]]:
    """Give a set that fills with the parameters of every layer that is called within the block."""
    used: set[nn.Parameter] = set()

    def note(layer: nn.Module, _inputs: object, _output: object) -> None:
        used.update(layer.parameters(recurse=False))

    handles = [layer.register_forward_hook(note) for layer in network.modules()]
    try:
        yield used
    finally:
        for handle in handles:
            handle.remove()
