"""Paper e (leather): a small classifier of frames that filters have turned into contours.

The paper says "CNN" and draws one; ours is the well-known small network for few pictures that the drawing resembles:
three times 3×3 convolution without padding, ReLU and maximum pooling, then one hidden layer with dropout. The filters
are steps of `flawgate_imaging`, not of the network.

There the hidden layer has a weight for every place of the last maps: it learns each place anew where a defect may lie.
With `pooling: global` it sees the maximum and the mean of each map instead, and what was learned in one place holds in
all of them.
"""

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.architectures.initialisation import he_normal
from flawgate_training.experiment.part import Part

WIDTHS = (32, 32, 64)
"""Channels of the three convolutions."""

Pooling = Literal["none", "global"]

_HIDDEN = 64
_DROPOUT = 0.5


class MaximumAndMean(nn.Module):
    """Of every map, over the frame: (N, C, H, W) → (N, 2C), first the maxima, then the means."""

    def forward(self, maps: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([maps.amax(dim=(2, 3)), maps.mean(dim=(2, 3))], dim=1)


class LeatherCnn(nn.Module):
    """Normalised frames, (N, C, height, width), float32 → logits, (N, outputs).

    Args:
        channels: C.
        height: rows of the frames, in pixels, 22 or more; without pooling the hidden layer is made for them.
        width: columns of the frames, likewise.
        outputs: classes; 1 for "defective".
        pooling: what lies between the last maps and the hidden layer, see `LeatherOptions`.
    """

    def __init__(self, channels: int, height: int, width: int, outputs: int, pooling: Pooling = "none") -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(above, here, 3), nn.ReLU(), nn.MaxPool2d(2))
                for above, here in pairwise((channels, *WIDTHS))
            )
        )
        seen = 2 if pooling == "global" else _left_of(height) * _left_of(width)
        self.decision = nn.Sequential(
            MaximumAndMean() if pooling == "global" else nn.Flatten(),
            nn.Linear(WIDTHS[-1] * seen, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, outputs),
        )
        self.apply(he_normal)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.decision(self.features(frames))
        return logits


def _left_of(side: int) -> int:
    """Pixels of `side` that three convolutions without padding, each halved by pooling, leave."""
    for _ in WIDTHS:
        side = (side - 2) // 2
    return side


class LeatherOptions(Part):
    """Of the leather network."""

    pooling: Pooling = Field(
        default="none",
        description="What the hidden layer sees: none: every place of the last maps, as in the network that the "
        "paper's drawing resembles; global: maximum and mean of each map, so that defects count alike everywhere.",
    )


def _build(wanted: Wanted, options: LeatherOptions) -> nn.Module:
    return wanted.network(LeatherCnn(wanted.channels, wanted.height, wanted.width, wanted.outputs, options.pooling))


ARCHITECTURES = (
    Architecture(
        name="leather_cnn",
        paper="e",
        title="Small CNN for leather, after filters",
        tasks=("classification",),
        channels=1,
        height=150,
        width=150,
        outputs=1,
        build=_build,
        options=LeatherOptions,
        smallest=22,
        one_output_for_two=True,
    ),
)
