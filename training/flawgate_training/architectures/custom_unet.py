"""The customised U-Net (paper b, section III.C): a U-Net with a second skip into every decoder stage.

"A concatenate layer at the beginning of each decoding level to connect the outputs from different encoder levels":
our reading is that decoder stage i takes the upsampled stage below, encoder stage i, and encoder stage i-1 pooled to
its size, the frame itself standing in for the stage before the first. The paper names no widths; 16 to 256 are ours,
after its "substantially smaller model size".
"""

from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.architectures.architecture import Architecture, Filters, Wanted
from flawgate_training.architectures.initialisation import he_normal, start_at
from flawgate_training.architectures.units import double_unit, levels_of
from flawgate_training.experiment.part import Part

_WHITEST = 1 - 1 / 255
"""Half a grey level below white, where frames lie within −1 to 1: white itself has no finite logit."""


class CustomUNetOptions(Part):
    """Of the customised U-Net."""

    filters: Filters = Field(default=(16, 32, 64, 128, 256), description="Channels of the levels, the finest first.")
    shortcut: bool = Field(
        default=False,
        description="Of a reconstruction from corrupted frames: the frame itself is added to what the layers draw.",
    )


class CustomUNet(nn.Module):
    """Normalised frames, (N, C, H, W), float32, H and W multiples of 16 → logits, (N, outputs, H, W).

    Args:
        channels: C.
        outputs: logit maps.
        filters: channels of the five levels, the finest first.
        first_logit: what an untrained network answers about everywhere.
        shortcut: add the logits of the frame itself, so that an untrained network draws what it sees, and the layers
            learn only what is to be changed; takes `channels` outputs.
    """

    def __init__(
        self, channels: int, outputs: int, filters: Filters, *, first_logit: float = 0.0, shortcut: bool = False
    ) -> None:
        super().__init__()
        self.shortcut = shortcut
        before = (channels, *filters[:-2])
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(double_unit(above, here) for above, here in pairwise((channels, *filters)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, here, 2, stride=2) for here, below in pairwise(filters))
        self.decoder = nn.ModuleList(
            double_unit(2 * here + above, here) for here, above in zip(filters[:-1], before, strict=True)
        )
        self.head = nn.Conv2d(filters[0], outputs, 1)
        self.apply(he_normal)
        start_at(self.head, first_logit)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        levels = levels_of(self.encoder, self.pool, frames)
        before = [frames, *(self.pool(level) for level in levels[:-2])]
        x = levels[-1]
        for i in reversed(range(len(self.decoder))):
            x = self.decoder[i](torch.cat([self.up[i](x), levels[i], before[i]], dim=1))
        logits: Tensor = self.head(x)
        return logits + _own_logits(frames) if self.shortcut else logits


def _own_logits(frames: Tensor) -> Tensor:
    """What a sigmoid turns into the frames themselves, −1 to 1 as 0 to 1; black and white to half a grey level."""
    inside = frames.clamp(-_WHITEST, _WHITEST)
    return torch.log((1 + inside) / (1 - inside))


def _build(wanted: Wanted, options: CustomUNetOptions) -> nn.Module:
    if options.shortcut and wanted.task != "anomaly":
        raise InvalidExperiment(
            f"The shortcut of custom_unet is for reconstructions, not for a {wanted.task}; leave it out.",
            {"field": "network.options"},
        )
    body = CustomUNet(
        wanted.channels,
        wanted.outputs,
        options.filters,
        first_logit=wanted.first_logit,
        shortcut=options.shortcut,
    )
    return wanted.network(body)


ARCHITECTURES = (
    Architecture(
        name="custom_unet",
        paper="b",
        title="Customised U-Net, a second skip into every decoder stage",
        tasks=("segmentation", "anomaly"),
        channels=3,
        height=512,
        width=64,
        outputs=1,
        build=_build,
        options=CustomUNetOptions,
        multiple=16,
        smallest=32,
    ),
)
