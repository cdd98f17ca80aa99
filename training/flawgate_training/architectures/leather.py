"""Paper e (leather): a small classifier of frames that filters have turned into contours.

The paper says "CNN" and draws one; ours is the well-known small network for few pictures that the drawing resembles:
three times 3×3 convolution without padding, ReLU and maximum pooling, then one hidden layer with dropout. The filters
are steps of `flawgate_imaging`, not of the network.
"""

from itertools import pairwise

from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, NoOptions, Wanted
from flawgate_training.architectures.initialisation import he_normal

WIDTHS = (32, 32, 64)
"""Channels of the three convolutions."""

_HIDDEN = 64
_DROPOUT = 0.5


class LeatherCnn(nn.Module):
    """Normalised frames, (N, C, height, width), float32 → logits, (N, outputs).

    Args:
        channels: C.
        height: rows of the frames, in pixels, 22 or more; the hidden layer is made for them.
        width: columns of the frames, likewise.
        outputs: classes; 1 for "defective".
    """

    def __init__(self, channels: int, height: int, width: int, outputs: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(above, here, 3), nn.ReLU(), nn.MaxPool2d(2))
                for above, here in pairwise((channels, *WIDTHS))
            )
        )
        self.decision = nn.Sequential(
            nn.Flatten(),
            nn.Linear(WIDTHS[-1] * _left_of(height) * _left_of(width), _HIDDEN),
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


def _build(wanted: Wanted, _options: NoOptions) -> nn.Module:
    return wanted.network(LeatherCnn(wanted.channels, wanted.height, wanted.width, wanted.outputs))


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
        smallest=22,
        one_output_for_two=True,
    ),
)
