"""What the U-Nets are made of: 3×3 convolutions with batch normalisation and ReLU, at unchanged height and width."""

from torch import nn


def unit(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution, batch normalisation, ReLU: (N, inputs, H, W) → (N, outputs, H, W)."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


def double_unit(inputs: int, outputs: int) -> nn.Sequential:
    """Two units, as in every stage of a U-Net: (N, inputs, H, W) → (N, outputs, H, W)."""
    return nn.Sequential(unit(inputs, outputs), unit(outputs, outputs))
