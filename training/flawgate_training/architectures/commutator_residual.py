"""Paper d's two stages with networks of our own: residual blocks first, then a classification of the map alone.

Paper d's first stage is small by its depthwise convolutions, of which every machine that has units for matrix products
(tensor cores, AMX) uses a small part. This one counts more operations and learns several times as fast there. Blocks:
He 2016, "Deep residual learning", section 3.3; dilated in place of further strides: Yu 2017, "Dilated residual
networks", section 2.

Paper d's second stage also sees the features of the first. Those know by heart the frames that they learned from, and a
few dozen defects are little for so many of them: over the same features one classification was right about everything
and the next, begun with other weights, wrong about five. Here it sees the map, and what the map marks can only tell
against a part: left to itself, a classification learned that marks far from the rim are those of good parts.
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

CLASSIFICATION_WIDTHS = (8, 16, 32)
"""Channels of the classification, as in paper d."""

RIMS = 4
"""Of a frame."""

RIM_POWER = 16
"""Of the way from one rim to the other: half is left of it after 4 % of the way, a fifth after 10 %."""

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


class NonNegativeConv2d(nn.Conv2d):
    """A convolution by the magnitudes of its weights: nowhere lower where its input is nowhere lower."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        convolved: Tensor = self._conv_forward(x, self.weight.abs(), self.bias)
        return convolved


class NonNegativeLinear(nn.Linear):
    """A linear layer by the magnitudes of its weights; see `NonNegativeConv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return nn.functional.linear(x, self.weight.abs(), self.bias)


class MonotonicUnit(nn.Module):
    """A 5×5 convolution, normalised, with ReLU; in evaluation nowhere lower where its input is nowhere lower.

    The normalisation has no gain, which could become negative: the next layer's weights take its place.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = NonNegativeConv2d(inputs, outputs, 5, stride, 2, bias=False)
        self.normalise = BatchNorm2d(outputs, momentum=BATCH_NORM_MOMENTUM, affine=False)
        self.shift = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return nn.functional.relu(self.normalise(self.convolution(x)) + self.shift)


class MapClassification(nn.Module):
    """Segmentation logit, (N, 1, h, w), float32 → logit of "defective", (N, 1): nowhere lower where the map is higher.

    Paper d's classification network, section 2.2, with plain convolutions: three of 5×5, two of them strided, then
    maximum and mean over the frame, of what they say and of the map. All weights count by their magnitude, so a mark
    may be too faint or too small to matter, but never excuses a part. Beside the map they see what of it lies at each
    rim of the frame, for a mark may weigh more there.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (1 + RIMS, *CLASSIFICATION_WIDTHS)
        self.body = nn.Sequential(
            *(MonotonicUnit(*pair, stride) for pair, stride in zip(pairwise(widths), (2, 2, 1), strict=True))
        )
        self.decision = NonNegativeLinear(2 * (widths[-1] + 1), 1)
        self.apply(he_normal)
        # Magnitudes add up: weights as torch begins with would start with a logit of some hundreds.
        nn.init.uniform_(self.decision.weight, 0, 1 / self.decision.in_features)
        nn.init.zeros_(self.decision.bias)

    def forward(self, logit: Tensor) -> Tensor:
        """See the class."""
        marked = (logit.clamp(-BOUND, BOUND) + BOUND) / (2 * BOUND)
        deep = self.body(torch.cat([marked, marked * _rims(marked)], dim=1))
        pooled = [pool for x in (deep, marked) for pool in (x.amax(dim=(2, 3)), x.mean(dim=(2, 3)))]
        decided: Tensor = self.decision(torch.cat(pooled, dim=1))
        return decided


def _rims(plane: Tensor) -> Tensor:
    """How near a place is to the left, right, upper and lower rim: (1, 4, h, w), 1 there and next to 0 elsewhere."""
    height, width = plane.shape[2:]
    across = torch.linspace(0, 1, width, device=plane.device).expand(height, width)
    down = torch.linspace(0, 1, height, device=plane.device)[:, None].expand(height, width)
    return torch.stack([1 - across, across, 1 - down, down])[None].pow(RIM_POWER)


class ResidualOptions(Part):
    """Of the residual two-stage network."""

    widths: tuple[Width, Width, Width] = Field(default=WIDTHS, description="Channels at 1/2, 1/4 and 1/8 of the frame.")
    blocks: int = Field(default=BLOCKS, ge=0, le=16, description="Residual blocks at 1/4.")
    dilations: tuple[Annotated[int, Field(ge=1, le=32)], ...] = Field(
        default=DILATIONS, min_length=1, max_length=16, description="Of the residual blocks at 1/8, in order."
    )


def _build(wanted: Wanted, options: ResidualOptions) -> nn.Module:
    segmentation = ResidualSegmentation(options.widths, options.blocks, options.dilations, channels=wanted.channels)
    return Cascade(segmentation, MapClassification())


ARCHITECTURES = (
    Architecture(
        name="commutator_residual",
        paper="d",
        title="Two stages of residual blocks and a map that decides",
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
