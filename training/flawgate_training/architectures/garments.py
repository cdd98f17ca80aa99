"""Paper c (garments): two plain convolutional networks, and EfficientNet-B0 and ResNet-18 on one channel.

The paper's page gives names and results alone. Widths and the input of 224×224 grey pixels are ours; EfficientNet-B0
and ResNet-18 are timm's. Weights are random, or come from a file (`weights`); nothing is downloaded.
"""

from functools import partial
from itertools import pairwise

import timm
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, NoOptions, Wanted
from flawgate_training.architectures.initialisation import he_normal
from flawgate_training.architectures.networks import Normalise

_HIDDEN = 128
_POOLED = 7
_MAP_DROPOUT = 0.1
_HIDDEN_DROPOUT = 0.5


class BaselineCnn(nn.Module):
    """Normalised frames, (N, C, H, W), float32 → logits, (N, outputs).

    Three times 3×3 convolution, ReLU, maximum pooling; mean over a 7×7 grid; one hidden layer.

    Args:
        channels: C.
        outputs: classes.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        widths = (channels, 32, 64, 128)
        self.features = nn.Sequential(*(_plain(*step) for step in pairwise(widths)))
        self.decision = nn.Sequential(
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(widths[-1] * _POOLED**2, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, outputs),
        )
        self.apply(he_normal)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.decision(self.features(frames))
        return logits


class ImprovedCnn(nn.Module):
    """Normalised frames, (N, C, H, W), float32 → logits, (N, outputs).

    Four times 3×3 convolution, batch normalisation, ReLU, maximum pooling, dropout of whole maps; mean over the frame;
    one hidden layer with dropout.

    Args:
        channels: C.
        outputs: classes.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        widths = (channels, 32, 64, 128, 256)
        self.features = nn.Sequential(*(_normalised(*step) for step in pairwise(widths)))
        self.decision = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], _HIDDEN),
            nn.ReLU(),
            nn.Dropout(_HIDDEN_DROPOUT),
            nn.Linear(_HIDDEN, outputs),
        )
        self.apply(he_normal)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.decision(self.features(frames))
        return logits


def _plain(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))


def _normalised(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout2d(_MAP_DROPOUT),
    )


def _own(body: type[BaselineCnn | ImprovedCnn], wanted: Wanted, _options: NoOptions) -> nn.Module:
    return wanted.network(body(wanted.channels, wanted.outputs))


def _timm(name: str, wanted: Wanted, _options: NoOptions) -> nn.Module:
    body = timm.create_model(name, pretrained=False, in_chans=wanted.channels, num_classes=wanted.outputs)
    return wanted.network(body, Normalise.imagenet(wanted.channels))


_architecture = partial(Architecture, paper="c", tasks=("classification",), channels=1, height=224, width=224)

ARCHITECTURES = (
    _architecture(name="baseline_cnn", title="Baseline CNN for garments", outputs=2, build=partial(_own, BaselineCnn)),
    _architecture(
        name="improved_cnn",
        title="Improved CNN for garments, with batch normalisation and dropout",
        outputs=5,
        build=partial(_own, ImprovedCnn),
    ),
    _architecture(
        name="efficientnet_b0",
        title="EfficientNet-B0 for garments",
        outputs=5,
        build=partial(_timm, "efficientnet_b0"),
        smallest=64,
    ),
    _architecture(
        name="resnet18", title="ResNet-18 for garments", outputs=2, build=partial(_timm, "resnet18"), smallest=64
    ),
)
