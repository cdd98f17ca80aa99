"""What paper d compares with (section 3.2): U-Net and DeepLabV3+, upsampled to an eighth of the frame only.

Each feeds the classification network of the two-stage model. That one takes 144 features and a logit; the paper does
not say how the others come by them, so here a 1×1 convolution brings the decoder's channels to 144, and another, as in
the two-stage model, those to the logit.
"""

from itertools import pairwise

import torch
from pydantic import Field
from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Build, Filters, Wanted
from flawgate_training.architectures.commutator import FEATURES, ClassificationNetwork
from flawgate_training.architectures.initialisation import PRIOR_LOGIT, he_normal, start_at
from flawgate_training.architectures.networks import Cascade, Normalise
from flawgate_training.architectures.segmentation_models import Encoder, take_single_frames
from flawgate_training.architectures.units import double_unit
from flawgate_training.experiment.part import Part

_RATES = (12, 24, 36)
_DEEPLAB_WIDTH = 256
_DROPOUT = 0.5

_MET = (0, 1, 3, 5)
"""Of the encoder's maps, at 1, 1/2, 1/4, 1/8, 1/16 and 1/16 of the frame: the third met is that at an eighth."""


class Projection(nn.Module):
    """A decoder's channels, (N, inputs, h, w), float32 → 144 features and the logit from them, (N, 145, h, w)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(inputs, FEATURES, 1)
        self.head = nn.Conv2d(FEATURES, 1, 1)
        self.apply(he_normal)
        start_at(self.head, PRIOR_LOGIT)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        features = self.features(x)
        return torch.cat([features, self.head(features)], dim=1)


class TruncatedUNet(nn.Module):
    """Frames, (N, C, H, W), uint8, 0–255, H and W multiples of 16 → features, (N, 145, H/8, W/8), float32.

    The U-Net of Ronneberger 2015 with padding and batch normalisation, and the first of its four decoder stages.

    Args:
        channels: C.
        filters: channels of the five levels, the finest first.
    """

    def __init__(self, channels: int, filters: Filters) -> None:
        super().__init__()
        eighth, sixteenth = filters[-2:]
        self.normalise = Normalise.symmetric()
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(double_unit(above, here) for above, here in pairwise((channels, *filters)))
        self.up = nn.ConvTranspose2d(sixteenth, eighth, 2, stride=2)
        self.decoder = double_unit(2 * eighth, eighth)
        self.projection = Projection(eighth)
        for part in (self.encoder, self.up, self.decoder):
            part.apply(he_normal)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        x = skip = self.encoder[0](self.normalise(frames))
        for stage in self.encoder[1:]:
            skip, x = x, stage(self.pool(x))
        features: Tensor = self.projection(self.decoder(torch.cat([self.up(x), skip], dim=1)))
        return features


class TruncatedDeepLab(nn.Module):
    """Frames, (N, C, H, W), uint8, 0–255, H and W multiples of 16 → features, (N, 145, H/8, W/8), float32.

    DeepLabV3+ whose decoder meets the encoder at an eighth of the frame, where the full one does at a quarter.

    Args:
        channels: C.
        encoder: name of the encoder.
    """

    def __init__(self, channels: int, encoder: Encoder) -> None:
        super().__init__()
        self.normalise = Normalise.imagenet(channels)
        self.encoder = get_encoder(encoder, in_channels=channels, weights=None, output_stride=16)
        met = [self.encoder.out_channels[i] for i in _MET]
        # The library's decoder meets its third map, and doubles its last one where told that this has stride 8.
        self.decoder = DeepLabV3PlusDecoder(
            encoder_channels=met,
            encoder_depth=5,
            out_channels=_DEEPLAB_WIDTH,
            atrous_rates=_RATES,
            output_stride=8,
            aspp_separable=True,
            aspp_dropout=_DROPOUT,
        )
        take_single_frames(self.decoder)
        self.projection = Projection(_DEEPLAB_WIDTH)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        maps = self.encoder(self.normalise(frames))
        features: Tensor = self.projection(self.decoder([maps[i] for i in _MET]))
        return features


class TruncatedUNetOptions(Part):
    """Of the two-stage model with a U-Net."""

    filters: Filters = Field(default=(64, 128, 256, 512, 1024), description="Channels of the levels, the finest first.")
    rectify_map: bool = Field(
        default=True, description="The classification sees ReLU of the map's logit instead of the logit itself."
    )


class TruncatedDeepLabOptions(Part):
    """Of the two-stage model with DeepLabV3+."""

    encoder: Encoder = Field(default="resnet50", description="Feature extractor; the paper names none.")
    rectify_map: bool = Field(
        default=True, description="The classification sees ReLU of the map's logit instead of the logit itself."
    )


def _classification(*, rectify_map: bool) -> nn.Module:
    return ClassificationNetwork(rectify_map=rectify_map).apply(he_normal)


def _unet(wanted: Wanted, options: TruncatedUNetOptions) -> nn.Module:
    segmentation = TruncatedUNet(wanted.channels, options.filters)
    return Cascade(segmentation, _classification(rectify_map=options.rectify_map))


def _deeplab(wanted: Wanted, options: TruncatedDeepLabOptions) -> nn.Module:
    segmentation = TruncatedDeepLab(wanted.channels, options.encoder)
    return Cascade(segmentation, _classification(rectify_map=options.rectify_map))


def _architecture(name: str, title: str, build: Build, options: type[Part]) -> Architecture:
    return Architecture(
        name=name,
        paper="d",
        title=title,
        tasks=("cascade",),
        channels=1,
        height=1408,
        width=512,
        outputs=1,
        build=build,
        options=options,
        multiple=16,
        smallest=64,
    )


ARCHITECTURES = (
    _architecture("commutator_unet", "The two-stage model on a U-Net", _unet, TruncatedUNetOptions),
    _architecture("commutator_deeplabv3plus", "The two-stage model on DeepLabV3+", _deeplab, TruncatedDeepLabOptions),
)
