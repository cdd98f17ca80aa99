"""What the U-Nets are made of: 3×3 convolutions with batch normalisation and ReLU, at unchanged height and width."""

from collections.abc import Iterable

from torch import Tensor, nn


def unit(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, batch normalisation, ReLU: (N, inputs, H, W) → (N, outputs, H, W)."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


def double_unit(inputs: int, outputs: int) -> nn.Sequential:
    """Two units, as in every stage of a U-Net: (N, inputs, H, W) → (N, outputs, H, W)."""
    return nn.Sequential(unit(inputs, outputs), unit(outputs, outputs))


def levels_of(encoder: Iterable[nn.Module], pool: nn.Module, frames: Tensor) -> list[Tensor]:
    """What each stage of an encoder gives, each on the pooled map of the one before: (N, C, H, W), finest first."""
    levels: list[Tensor] = []
    for stage in encoder:
        levels.append(stage(pool(levels[-1]) if levels else frames))
    return levels
