"""Paper d's two stages with networks of our own: residual blocks first, then a classification of the map alone.

Paper d's first stage is small by its depthwise convolutions, of which every machine that has units for matrix products
(tensor cores, AMX) uses a small part. This one counts more operations and learns several times as fast there. Blocks:
He 2016, "Deep residual learning", section 3.3; dilated in place of further strides: Yu 2017, "Dilated residual
networks", section 2.

Paper d's second stage also sees the features of the first. Those know by heart the frames that they learned from, and a
few dozen defects are little for so many of them: over the same features one classification was right about everything
and the next, begun with other weights, wrong about five. Here it sees the map, and several vote.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Wanted, Width
from flawgate_training.architectures.blocks import BATCH_NORM_MOMENTUM
from flawgate_training.architectures.commutator import STRIDE
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

HEAD_WIDTHS = (8, 16, 32)
"""Channels of a head of the classification, as in paper d."""

HEADS = 5
"""Heads of the classification."""

BOUND = 2.0
"""What the classification sees of a logit: probabilities of 0.12 to 0.88. How sure a map is beyond that tells how often
the segmentation has seen a frame, which in service is never."""


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
    """Frames, (N, C, H, W), uint8, 0–255, H and W multiples of 8 → segmentation logit, (N, 1, H/8, W/8), float32.

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
        logit: Tensor = self.head(self.body(frames.float() / 127.5 - 1.0))
        return logit


class MapHead(nn.Module):
    """A defect map, (N, 1, h, w), float32 → logit of "defective", (N, 1).

    Three 5×5 convolutions, two of them strided, then maximum and mean over the frame, of what they say and of the map:
    paper d's classification network, section 2.2, with plain convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (1, *HEAD_WIDTHS)
        self.body = nn.Sequential(
            *(
                nn.Sequential(_convolution(inputs, outputs, 5, stride=stride), nn.ReLU())
                for (inputs, outputs), stride in zip(pairwise(widths), (2, 2, 1), strict=True)
            )
        )
        self.decision = nn.Linear(2 * (widths[-1] + 1), 1)

    def forward(self, defect_map: Tensor) -> Tensor:
        """See the class."""
        deep = self.body(defect_map)
        pooled = [pool for x in (deep, defect_map) for pool in (x.amax(dim=(2, 3)), x.mean(dim=(2, 3)))]
        decided: Tensor = self.decision(torch.cat(pooled, dim=1))
        return decided


class MapClassification(nn.Module):
    """Segmentation logit, (N, 1, h, w), float32 → logit of "defective", (N, 1): the mean of several heads'.

    In training mode it is each head's, (N, heads), so that each learns as if it were alone.

    Args:
        heads: how many.
    """

    def __init__(self, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = nn.ModuleList(MapHead() for _ in range(heads))
        self.apply(he_normal)

    def forward(self, logit: Tensor) -> Tensor:
        """See the class."""
        defect_map = logit.clamp(-BOUND, BOUND)
        votes = torch.cat([head(defect_map) for head in self.heads], dim=1)
        return votes if self.training else votes.mean(dim=1, keepdim=True)


class ResidualOptions(Part):
    """Of the residual two-stage network."""

    widths: tuple[Width, Width, Width] = Field(default=WIDTHS, description="Channels at 1/2, 1/4 and 1/8 of the frame.")
    blocks: int = Field(default=BLOCKS, ge=0, le=16, description="Residual blocks at 1/4.")
    dilations: tuple[Annotated[int, Field(ge=1, le=32)], ...] = Field(
        default=DILATIONS, min_length=1, max_length=16, description="Of the residual blocks at 1/8, in order."
    )
    heads: int = Field(default=HEADS, ge=1, le=32, description="Of the classification; their mean decides.")


def _build(wanted: Wanted, options: ResidualOptions) -> nn.Module:
    segmentation = ResidualSegmentation(options.widths, options.blocks, options.dilations, channels=wanted.channels)
    return Cascade(segmentation, MapClassification(options.heads))


ARCHITECTURES = (
    Architecture(
        name="commutator_residual",
        paper="d",
        title="Two stages of residual blocks and a map's heads",
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
