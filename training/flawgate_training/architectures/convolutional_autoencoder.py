"""The convolutional autoencoder (paper b, section IV), which the paper names but does not draw; the layers are ours.

Four times convolution and maximum pooling, four times transposed convolution, and no skip: what is drawn must have
passed a bottleneck of 256 channels at a sixteenth of the size.
"""

from itertools import pairwise

from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, NoOptions, Wanted
from flawgate_training.architectures.initialisation import he_normal, start_at
from flawgate_training.architectures.units import unit

ENCODER = (32, 64, 128, 256)
"""Channels of the encoder's four steps, each of which halves height and width."""

DECODER = (128, 64, 32, 32)
"""Channels of the decoder's four steps, each of which doubles them."""


class ConvolutionalAutoencoder(nn.Module):
    """Normalised frames, (N, C, H, W), float32, H and W multiples of 16 → logits, (N, outputs, H, W).

    Args:
        channels: C.
        outputs: logit maps; `channels` for a drawn frame.
        first_logit: what an untrained network answers about everywhere.
    """

    def __init__(self, channels: int, outputs: int, *, first_logit: float = 0.0) -> None:
        super().__init__()
        steps = pairwise((channels, *ENCODER))
        self.encoder = nn.Sequential(*(nn.Sequential(unit(*step), nn.MaxPool2d(2)) for step in steps))
        self.decoder = nn.Sequential(*(_doubled(*step) for step in pairwise((ENCODER[-1], *DECODER))))
        self.head = nn.Conv2d(DECODER[-1], outputs, 3, padding=1)
        self.apply(he_normal)
        start_at(self.head, first_logit)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.head(self.decoder(self.encoder(frames)))
        return logits


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 2, stride=2), nn.BatchNorm2d(outputs), nn.ReLU())


def _build(wanted: Wanted, _options: NoOptions) -> nn.Module:
    return wanted.network(ConvolutionalAutoencoder(wanted.channels, wanted.outputs, first_logit=wanted.first_logit))


ARCHITECTURES = (
    Architecture(
        name="convolutional_autoencoder",
        paper="b",
        title="Convolutional autoencoder without skips",
        tasks=("anomaly", "segmentation"),
        channels=3,
        height=512,
        width=64,
        outputs=3,
        build=_build,
        multiple=16,
        smallest=32,
    ),
)
