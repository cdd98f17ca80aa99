"""The four ways in which a network is put to use.

Each takes frames as they come from the wire, uint8, and normalises them itself, so nobody can do it twice or otherwise.
"""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Normalise(nn.Module):
    """Frames, (N, C, H, W), uint8, 0–255 → (frames / 255 − mean) / deviation, (N, C, H, W), float32.

    Its numbers are no part of the network's state: weights of both kinds keep the names of their keys.

    Args:
        mean: of frames within 0–1; one for every channel, or one for all.
        deviation: likewise.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        means, deviations = torch.tensor(mean), torch.tensor(deviation)
        self.divisor: Tensor
        self.offset: Tensor
        self.register_buffer("divisor", (255 * deviations)[:, None, None], persistent=False)
        self.register_buffer("offset", (means / deviations)[:, None, None], persistent=False)

    @classmethod
    def symmetric(cls) -> Self:
        """To −1 to 1: frames / 127.5 − 1."""
        return cls((0.5,), (0.5,))

    @classmethod
    def imagenet(cls, channels: int) -> Self:
        """As encoders trained on ImageNet expect it; for one channel, by the mean of the three."""
        if channels == 3:
            return cls(_IMAGENET_MEAN, _IMAGENET_DEVIATION)
        return cls((sum(_IMAGENET_MEAN) / 3,), (sum(_IMAGENET_DEVIATION) / 3,))

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        return frames.float() / self.divisor - self.offset


class _Network(nn.Module):
    def __init__(self, body: nn.Module, normalise: Normalise | None = None) -> None:
        super().__init__()
        self.normalise = normalise or Normalise.symmetric()
        self.body = body

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        answer: Tensor = self.body(self.normalise(frames))
        return answer


class Segmenter(_Network):
    """Frames, (N, C, H, W), uint8, 0–255 → logits, (N, K, h, w), float32.

    K = 1: logit of "defect". K > 1: logits of the classes, 0 the background. h and w are H and W, or a fraction.

    Args:
        body: normalised frames, (N, C, H, W), float32 → logits.
        normalise: the normalisation that the body expects; symmetric where None.
    """


class Classifier(_Network):
    """Frames, (N, C, H, W), uint8, 0–255 → logits, (N, K), float32. K = 1: logit of "defective".

    Args:
        body: normalised frames, (N, C, H, W), float32 → logits.
        normalise: the normalisation that the body expects; symmetric where None.
    """


class Reconstructor(_Network):
    """Frames, (N, C, H, W), uint8, 0–255 → the same as the network would draw them, (N, C, H, W), float32, 0–1.

    It learns from good frames alone and is to draw defects badly (paper b, section II: "out of distribution"). A U-Net
    has an easier way: its skips, in the custom U-Net even the frame itself, lead past the bottleneck, so it can copy
    the input, defects included, and the residual then shows nothing. The paper gives no remedy, and the skips are its
    subject, so they stay; ours is a stage that shows corrupted frames (`learning.corruption`), as the experiment
    `texture_anomaly` does. Without it the convolutional autoencoder, which has no skips, is the one to begin with.
    Whether a threshold tells defects from good frames is for validation frames to say.

    Args:
        body: normalised frames, (N, C, H, W), float32 → logits of the same shape.
        normalise: the normalisation that the body expects; symmetric where None.
    """

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        return super().forward(frames).sigmoid()


class Cascade(nn.Module):
    """Segmentation and classification as one: frames, (N, C, H, W), uint8 → mask and score, probabilities.

    Args:
        segmentation: frames → F features and the segmentation logit as last channel, (N, F+1, h, w), float32.
        classification: those → logit of "defective", (N, 1), float32.
    """

    def __init__(self, segmentation: nn.Module, classification: nn.Module) -> None:
        super().__init__()
        self.segmentation = segmentation
        self.classification = classification

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Returns: mask, (N, 1, h, w), and score, (N, 1); float32, 0–1."""
        features: Tensor = self.segmentation(frames)
        score: Tensor = self.classification(features).sigmoid()
        return features[:, -1:].sigmoid(), score
