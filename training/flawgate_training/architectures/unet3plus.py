"""U-Net 3+ (Huang 2020), which paper b compares with: every decoder stage sees all scales.

Each of the four decoder stages brings five feature maps to its size, finer encoder stages by maximum pooling and
coarser decoder stages bilinearly, each to the same few channels by a 3×3 convolution, and fuses them by another.
Neither deep supervision nor the classification-guided module is built: paper b mentions none.
"""

from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Filters, Wanted
from flawgate_training.architectures.initialisation import he_normal, start_at
from flawgate_training.architectures.units import double_unit, levels_of, unit
from flawgate_training.experiment.part import Part

LEVELS = 5


class UNet3PlusOptions(Part):
    """Of U-Net 3+."""

    filters: Filters = Field(
        default=(64, 128, 256, 512, 1024),
        description="Channels of the encoder's levels, the finest first; also, the first, of each decoder branch.",
    )


class FullScaleStage(nn.Module):
    """One decoder stage: the feature maps of all levels → (N, 5·width, h, w) at the size of its own level.

    Args:
        level: its own, 0 the finest.
        inputs: channels of the map of each level.
        width: channels of each branch.
    """

    def __init__(self, level: int, inputs: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.level = level
        self.branches = nn.ModuleList(unit(channels, width) for channels in inputs)
        self.fuse = unit(LEVELS * width, LEVELS * width)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """See the class. `maps`: one a level, (N, C_i, H/2^i, W/2^i), float32."""
        pairs = zip(self.branches, maps, strict=True)
        sized = [branch(self._sized(x, source)) for source, (branch, x) in enumerate(pairs)]
        fused: Tensor = self.fuse(torch.cat(sized, dim=1))
        return fused

    def _sized(self, x: Tensor, source: int) -> Tensor:
        factor = 2 ** abs(source - self.level)
        if source < self.level:
            return nn.functional.max_pool2d(x, factor)
        if source > self.level:
            return nn.functional.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
        return x


class UNet3Plus(nn.Module):
    """Normalised frames, (N, C, H, W), float32, H and W multiples of 16 → logits, (N, outputs, H, W).

    Args:
        channels: C.
        outputs: logit maps.
        filters: channels of the five levels, the finest first.
        first_logit: what an untrained network answers about everywhere.
    """

    def __init__(self, channels: int, outputs: int, filters: Filters, *, first_logit: float = 0.0) -> None:
        super().__init__()
        width = filters[0]
        fused = LEVELS * width
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(double_unit(above, here) for above, here in pairwise((channels, *filters)))
        self.decoder = nn.ModuleList(
            FullScaleStage(level, (*filters[: level + 1], *[fused] * (LEVELS - level - 2), filters[-1]), width)
            for level in range(LEVELS - 1)
        )
        self.head = nn.Conv2d(fused, outputs, 3, padding=1)
        self.apply(he_normal)
        start_at(self.head, first_logit)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        maps = levels_of(self.encoder, self.pool, frames)
        for level in reversed(range(LEVELS - 1)):
            maps[level] = self.decoder[level](maps)
        logits: Tensor = self.head(maps[0])
        return logits


def _build(wanted: Wanted, options: UNet3PlusOptions) -> nn.Module:
    return wanted.network(UNet3Plus(wanted.channels, wanted.outputs, options.filters, first_logit=wanted.first_logit))


ARCHITECTURES = (
    Architecture(
        name="unet3plus",
        paper="b",
        title="U-Net 3+, every decoder stage sees all scales",
        tasks=("segmentation", "anomaly"),
        channels=3,
        height=512,
        width=64,
        outputs=1,
        build=_build,
        options=UNet3PlusOptions,
        multiple=16,
        smallest=32,
    ),
)
