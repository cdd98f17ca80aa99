"""Gradients of the layers behind a classifier's last maps, written out: an exported graph has no autograd.

Each is what torch's autograd gives for that layer in evaluation mode, down to which of several equal values counts as a
maximum, in operators that ONNX has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d
from torch import Tensor, nn

from flawgate_training.architectures.leather import MaximumAndMean

_CONTAINERS = (nn.Sequential, SelectAdaptivePool2d)
"""What computes its children one after the other, and nothing else."""


class Passed(NamedTuple):
    """What went through a layer."""

    seen: Tensor
    answer: Tensor


def leaves(layers: Sequence[nn.Module]) -> Iterator[nn.Module]:
    """The layers themselves, in the order of their run, taken out of what merely holds them."""
    for layer in layers:
        if isinstance(layer, _CONTAINERS):
            yield from leaves(list(layer.children()))
        else:
            yield layer


def is_known(layer: nn.Module) -> bool:
    """Whether `through` can go back through a layer."""
    pooled = not isinstance(layer, nn.MaxPool2d) or _is_tiling(layer)
    return type(layer) in _BACKWARD and pooled


def through(layer: nn.Module, passed: Passed, gradient: Tensor) -> Tensor:
    """From the gradient by what a layer answered to that by what it saw, (N, ...), float32.

    Args:
        layer: one that `is_known`.
        passed: of the same forward run.
        gradient: (N, ...), float32, of the shape of the answer.
    """
    return _BACKWARD[type(layer)](layer, passed, gradient)


def _is_tiling(pool: nn.MaxPool2d) -> bool:
    """Whether its windows are squares that lie edge to edge."""
    plain = pool.padding == 0 and pool.dilation == 1 and not pool.ceil_mode
    return isinstance(pool.kernel_size, int) and pool.stride == pool.kernel_size and plain


def _unchanged(_layer: nn.Module, _passed: Passed, gradient: Tensor) -> Tensor:
    return gradient


def _linear(layer: nn.Linear, _passed: Passed, gradient: Tensor) -> Tensor:
    return gradient @ layer.weight.float()


def _relu(_layer: nn.Module, passed: Passed, gradient: Tensor) -> Tensor:
    return gradient * (passed.answer > 0).float()


def _flatten(_layer: nn.Module, passed: Passed, gradient: Tensor) -> Tensor:
    return gradient.reshape(-1, *passed.seen.shape[1:])


def _mean_grid(_layer: nn.Module, passed: Passed, gradient: Tensor) -> Tensor:
    """Of adaptive mean pooling: means over rows, then over columns, each a product with a constant matrix."""
    rows, columns = (
        _means(seen, given).to(gradient.device)
        for seen, given in zip(passed.seen.shape[2:], passed.answer.shape[2:], strict=True)
    )
    return rows.T @ gradient @ columns


def _means(seen: int, given: int) -> Tensor:
    """(given, seen): row i takes the mean over its share of the places, from ⌊i·s/g⌋ to ⌈(i+1)·s/g⌉."""
    matrix = torch.zeros(given, seen)
    for row in range(given):
        start, end = row * seen // given, -(-(row + 1) * seen // given)
        matrix[row, start:end] = 1 / (end - start)
    return matrix


def _maximum(layer: nn.MaxPool2d, passed: Passed, gradient: Tensor) -> Tensor:
    """To the first of the largest values of each window. Rows and columns that no window covers have no part in it."""
    side = layer.kernel_size if isinstance(layer.kernel_size, int) else layer.kernel_size[0]
    channels, height, width = passed.seen.shape[1:]
    rows, columns = height // side, width // side
    windows = passed.seen[:, :, : rows * side, : columns * side].reshape(-1, channels, rows, side, columns, side)
    flat = windows.permute(0, 1, 2, 4, 3, 5).reshape(-1, channels, rows, columns, side * side)
    chosen = flat.argmax(dim=-1, keepdim=True) == torch.arange(side * side, device=flat.device)
    spread = (chosen.float() * gradient[..., None]).reshape(-1, channels, rows, columns, side, side)
    placed = spread.permute(0, 1, 2, 4, 3, 5).reshape(-1, channels, rows * side, columns * side)
    return nn.functional.pad(placed, (0, width - columns * side, 0, height - rows * side))


def _maximum_and_mean(_layer: nn.Module, passed: Passed, gradient: Tensor) -> Tensor:
    """To all of the largest values of a map alike, and to every place as much as to any other."""
    maxima, means = (half[..., None, None] for half in gradient.chunk(2, dim=1))
    largest = (passed.seen == passed.seen.amax(dim=(2, 3), keepdim=True)).float()
    height, width = passed.seen.shape[2:]
    return maxima * largest / largest.sum(dim=(2, 3), keepdim=True) + means / (height * width)


_BACKWARD: Mapping[type[nn.Module], Callable[[Any, Passed, Tensor], Tensor]] = {
    nn.Identity: _unchanged,
    nn.Dropout: _unchanged,
    nn.Dropout2d: _unchanged,
    nn.Linear: _linear,
    nn.ReLU: _relu,
    nn.Flatten: _flatten,
    nn.AdaptiveAvgPool2d: _mean_grid,
    nn.MaxPool2d: _maximum,
    MaximumAndMean: _maximum_and_mean,
}
"""By the layer's type itself: a subclass may compute something else."""
