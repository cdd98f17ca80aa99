"""Paper a (sewing stitches): DeepLabV3+, MANet and U-Net of segmentation-models-pytorch on six encoders.

The library's networks are the paper's: parameters that take part in the forward pass agree with its table in 11 of 12
rows, and the twelfth, DeepLabV3+ on ResNet-101, is a misprint (its size in MB fits ours). Weights are random, or come
from a file (`weights`); nothing is downloaded.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import segmentation_models_pytorch as smp
from pydantic import Field
from segmentation_models_pytorch.decoders.deeplabv3.decoder import ASPPPooling
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.architectures.networks import Normalise
from flawgate_training.experiment.part import Part

Encoder = Literal[
    "efficientnet-b0", "efficientnet-b1", "efficientnet-b2", "resnet18", "resnet50", "resnet101", "mobilenet_v2"
]

EFFICIENT_NETS = ("efficientnet-b0", "efficientnet-b1", "efficientnet-b2")


class EncoderOptions(Part):
    """Of a network on one of several encoders."""

    encoder: Encoder = Field(default="efficientnet-b1", description="Feature extractor; the paper's best by default.")
    batch_norm_momentum: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of a batch in the running statistics; the library's where none. Its EfficientNets take "
        "0.01: a training of a few hundred steps ends with statistics of its beginning.",
    )


class PooledBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation of (N, C, 1, 1), float32, that can learn from a batch of one frame.

    A single value has no deviation, so torch refuses; here, it is normalised by the running statistics instead.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class. Keeps the shape."""
        if not self.training or x.shape[0] > 1:  # in this order: an exported graph must not fix the batch
            return super().forward(x)
        return nn.functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


def take_single_frames(network: nn.Module) -> None:
    """Let the image pooling of DeepLabV3+ learn from batches of one frame too; weights and keys stay as they are."""
    for module in network.modules():
        if isinstance(module, ASPPPooling):
            _, convolution, _, _ = module
            module[2] = PooledBatchNorm2d(convolution.out_channels)


def _remember(network: nn.Module, momentum: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum


def _build(decoder: Callable[..., nn.Module], wanted: Wanted, options: EncoderOptions) -> nn.Module:
    body = decoder(
        encoder_name=options.encoder, encoder_weights=None, in_channels=wanted.channels, classes=wanted.outputs
    )
    take_single_frames(body)
    if options.batch_norm_momentum is not None:
        _remember(body, options.batch_norm_momentum)
    return wanted.network(body, Normalise.imagenet(wanted.channels))


def _architecture(
    name: str, title: str, decoder: Callable[..., nn.Module], *, encoders: tuple[str, ...], multiple: int
) -> Architecture:
    return Architecture(
        name=name,
        paper="a",
        title=title,
        tasks=("segmentation",),
        channels=3,
        height=704,
        width=1056,
        outputs=7,
        build=partial(_build, decoder),
        options=EncoderOptions,
        variants=tuple({"encoder": encoder} for encoder in encoders),
        multiple=multiple,
        smallest=2 * multiple,
    )


ARCHITECTURES = (
    _architecture(
        "deeplabv3plus",
        "DeepLabV3+ for stitches",
        smp.DeepLabV3Plus,
        encoders=(*EFFICIENT_NETS, "resnet50", "resnet101", "mobilenet_v2"),
        multiple=16,
    ),
    _architecture("manet", "MANet, with attention, for stitches", smp.MAnet, encoders=EFFICIENT_NETS, multiple=32),
    _architecture("unet", "U-Net for stitches", smp.Unet, encoders=EFFICIENT_NETS, multiple=32),
)
