"""A first stage of our own before paper d's classification network: plain 3×3 convolutions with shortcuts.

Paper d's first stage is small by its depthwise convolutions, of which every machine that has units for matrix products
(tensor cores, AMX) uses a small part. This one counts more operations and learns several times as fast there. Blocks:
He 2016, "Deep residual learning", section 3.3; dilated in place of further strides: Yu 2017, "Dilated residual
networks", section 2.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Wanted, Width
from flawgate_training.architectures.blocks import BATCH_NORM_MOMENTUM
from flawgate_training.architectures.commutator import STRIDE, ClassificationNetwork
from flawgate_training.architectures.initialisation import PRIOR_LOGIT, he_normal, start_at
from flawgate_training.architectures.networks import Cascade
from flawgate_training.architectures.normalisation import BatchNorm2d
from flawgate_training.experiment.part import Part

WIDTHS = (16, 32, 64)
"""Channels at 1/2, 1/4 and 1/8 of the frame."""

BLOCKS = 2
"""Residual blocks at 1/4."""

DILATIONS = (1, 2, 4, 8)
"""Of the residual blocks at 1/8: the last ones see 500 pixels of the frame."""


def _convolution(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation, bias=False),
        BatchNorm2d(outputs, momentum=BATCH_NORM_MOMENTUM),
    )


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: (N, channels, H, W) → the same.

    The second normalisation begins with a gain of 0, so that a block does nothing at first.
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(channels, channels, dilation=dilation),
            nn.ReLU(),
            _convolution(channels, channels, dilation=dilation),
        )
        nn.init.zeros_(self.body.get_parameter("2.1.weight"))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return nn.functional.relu(x + self.body(x))


class ResidualSegmentation(nn.Module):
    """Frames, (N, C, H, W), uint8, 0–255, H and W multiples of 8 → features, (N, F+1, H/8, W/8), float32.

    F is the last of the widths; the last channel is the segmentation logit, any real number.

    Args:
        widths: see `WIDTHS`.
        blocks: see `BLOCKS`.
        dilations: see `DILATIONS`.
        channels: C.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = WIDTHS,
        blocks: int = BLOCKS,
        dilations: tuple[int, ...] = DILATIONS,
        *,
        channels: int = 1,
    ) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.body = nn.Sequential(
            _convolution(channels, half, 5, stride=2),
            nn.ReLU(),
            _convolution(half, half),
            nn.ReLU(),
            _convolution(half, quarter, stride=2),
            nn.ReLU(),
            *(ResidualBlock(quarter) for _ in range(blocks)),
            _convolution(quarter, eighth, stride=2),
            nn.ReLU(),
            *(ResidualBlock(eighth, dilation) for dilation in dilations),
        )
        self.head = nn.Conv2d(eighth, 1, 1)
        self.apply(he_normal)
        start_at(self.head, PRIOR_LOGIT)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        features = self.body(frames.float() / 127.5 - 1.0)
        return torch.cat([features, self.head(features)], dim=1)


class ResidualOptions(Part):
    """Of the two-stage network with a residual first stage."""

    widths: tuple[Width, Width, Width] = Field(
        default=WIDTHS, description="Channels at 1/2, 1/4 and 1/8 of the frame; the last are the features."
    )
    blocks: int = Field(default=BLOCKS, ge=0, le=16, description="Residual blocks at 1/4.")
    dilations: tuple[Annotated[int, Field(ge=1, le=32)], ...] = Field(
        default=DILATIONS, min_length=1, max_length=16, description="Of the residual blocks at 1/8, in order."
    )
    rectify_map: bool = Field(
        default=True, description="The classification sees ReLU of the map's logit instead of the logit itself."
    )


def _build(wanted: Wanted, options: ResidualOptions) -> nn.Module:
    segmentation = ResidualSegmentation(options.widths, options.blocks, options.dilations, channels=wanted.channels)
    classification = ClassificationNetwork(options.widths[-1], rectify_map=options.rectify_map)
    return Cascade(segmentation, classification.apply(he_normal))


ARCHITECTURES = (
    Architecture(
        name="commutator_residual",
        paper="d",
        title="The two-stage model on residual blocks",
        tasks=("cascade",),
        channels=1,
        height=1408,
        width=512,
        outputs=1,
        build=_build,
        options=ResidualOptions,
        multiple=2 * STRIDE,
        smallest=64,
    ),
)
