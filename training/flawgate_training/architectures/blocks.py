"""Building blocks of the commutator network (paper d, section 2.1.1): parallel depthwise paths, squeeze-excitation."""

from typing import Literal

import torch
from torch import Tensor, nn

from flawgate_training.architectures.normalisation import BatchNorm2d

KERNELS: tuple[tuple[int, int], ...] = ((3, 3), (5, 5), (1, 7), (7, 1), (1, 9), (9, 1), (1, 11), (11, 1))
"""Kernels (height, width) of the eight parallel depthwise convolutions. Paper d, figure 2."""

BATCH_NORM_MOMENTUM = 0.02
"""Running statistics average about fifty batches: with one frame a batch, as in the paper, 0.1 forgets too fast."""

Activation = Literal["relu6", "hardswish"]


def activation(kind: Activation) -> nn.Module:
    """The named activation, shape-preserving."""
    return nn.ReLU6(inplace=True) if kind == "relu6" else nn.Hardswish()


def convolution(
    inputs: int, outputs: int, kernel: tuple[int, int], *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A "same" convolution without bias, then batch normalisation: (N, inputs, H, W) → (N, outputs, H/s, W/s)."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        BatchNorm2d(outputs, momentum=BATCH_NORM_MOMENTUM),
    )


class ParallelDepthwise(nn.Module):
    """Eight depthwise convolutions side by side on the same channels: (N, C, H, W) → (N, 8C, H/s, W/s).

    Batch normalisation stands on each path, before the concatenation: the arithmetic is that of one normalisation
    after it, and each folds into its convolution at export.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            convolution(channels, channels, kernel, stride=stride, groups=channels) for kernel in KERNELS
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([path(x) for path in self.paths], dim=1)


class SqueezeExcitation(nn.Module):
    """Weighs channels by their global mean: hidden C/4, ReLU, then hard sigmoid (MobileNetV3). Keeps (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        squeezed = x.mean(dim=(2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.expand(nn.functional.relu(self.reduce(squeezed))))


class Bottleneck(nn.Module):
    """Paper d, figure 2: parallel depthwise → activation → (squeeze-excitation) → linear 1×1.

    (N, inputs, H, W) → (N, outputs, H/s, W/s). The input is added where stride is 1 and the channels agree, as in
    MobileNetV3, whose block this one changes; the paper does not say otherwise.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, excite: bool, kind: Activation) -> None:
        super().__init__()
        expanded = len(KERNELS) * inputs
        self.body = nn.Sequential(
            ParallelDepthwise(inputs, stride),
            activation(kind),
            SqueezeExcitation(expanded) if excite else nn.Identity(),
            convolution(expanded, outputs, (1, 1)),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y
