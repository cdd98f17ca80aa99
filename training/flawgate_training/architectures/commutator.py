"""The two-stage network for motor commutators (paper d, "Motor commutator", section 2.1, table 1).

A segmentation network gives 144 features and a defect logit for every 8×8 pixels; a small classification network
decides over the whole frame from both. Where the paper leaves a gap, our reading stands beside the constant or
layer it concerns.
"""

from itertools import pairwise
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from flawgate_training.architectures.architecture import Architecture, Wanted
from flawgate_training.architectures.blocks import Activation, Bottleneck, activation, convolution
from flawgate_training.architectures.initialisation import PRIOR_LOGIT, he_normal, start_at
from flawgate_training.architectures.networks import Cascade
from flawgate_training.experiment.part import Part

STRIDE = 8
"""Pixels of the input, in each direction, per pixel of the mask."""

FEATURES = 144
"""Channels of the decoder: 96 of block 10, upsampled, and 48 of block 7."""


class Stage(NamedTuple):
    """One row of table 1: bottlenecks of the same width, the first of them with the stride."""

    outputs: int
    stride: int
    excite: bool
    kind: Activation


STAGES = (
    Stage(16, 1, excite=False, kind="relu6"),
    Stage(24, 2, excite=False, kind="relu6"),
    Stage(48, 2, excite=True, kind="relu6"),
    Stage(96, 2, excite=True, kind="hardswish"),
)

Blocks = Annotated[int, Field(ge=1, le=16)]

BLOCKS = (1, 2, 3, 3)
"""Bottlenecks per stage, by the block labels of table 1. Its column N reads (1, 3, 3, 4), at odds with the text."""


def _stage(inputs: int, stage: Stage, blocks: int) -> nn.Sequential:
    widths = [inputs, *[stage.outputs] * blocks]
    strides = [stage.stride, *[1] * (blocks - 1)]
    return nn.Sequential(
        *(
            Bottleneck(first, second, stride=stride, excite=stage.excite, kind=stage.kind)
            for (first, second), stride in zip(pairwise(widths), strides, strict=True)
        )
    )


class SegmentationNetwork(nn.Module):
    """Frames, (N, C, H, W), uint8, 0–255, H and W multiples of 16 → features, (N, 145, H/8, W/8), float32.

    The first 144 channels are the decoder's; the last is the segmentation logit, any real number.

    Args:
        blocks: bottlenecks per stage, see `BLOCKS`.
        channels: C; the paper's frames are grey.
    """

    def __init__(self, blocks: tuple[int, ...] = BLOCKS, *, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(channels, 16, (5, 5), stride=2), activation("hardswish"))
        inputs = [16, *(stage.outputs for stage in STAGES)]
        self.stages = nn.ModuleList(
            _stage(width, stage, count) for width, stage, count in zip(inputs[:-1], STAGES, blocks, strict=True)
        )
        self.head = nn.Conv2d(FEATURES, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        x = self.stem(frames.float() / 127.5 - 1.0)
        for stage in self.stages[:-1]:
            x = stage(x)
        deep = nn.functional.interpolate(self.stages[-1](x), scale_factor=2.0, mode="bilinear", align_corners=False)
        features = torch.cat([deep, x], dim=1)
        return torch.cat([features, self.head(features)], dim=1)


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(inputs, inputs, (5, 5), stride=stride, groups=inputs),
        nn.ReLU(),
        convolution(inputs, outputs, (1, 1)),
        nn.ReLU(),
    )


class ClassificationNetwork(nn.Module):
    """Features with the segmentation logit, (N, F+1, h, w), float32 → logit of "defective", (N, 1).

    Two strided 5×5 depthwise-separable steps and one without stride, then maximum and mean over the frame, of the
    features and of the map (paper d, section 2.2; widths 8, 16, 32 as in SegDec, which the paper builds upon).

    Args:
        features: F; 144 in the paper.
        rectify_map: feed ReLU(logit) instead of the logit itself, as SegDec does.
    """

    def __init__(self, features: int = FEATURES, *, rectify_map: bool = True) -> None:
        super().__init__()
        self.rectify_map = rectify_map
        self.body = nn.Sequential(_separable(features + 1, 8, 2), _separable(8, 16, 2), _separable(16, 32, 1))
        self.decision = nn.Linear(2 * 32 + 2, 1)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        decoder, logit = features[:, :-1], features[:, -1:]
        defect_map = nn.functional.relu(logit) if self.rectify_map else logit
        deep = self.body(torch.cat([decoder, defect_map], dim=1))
        pooled = [pool for x in (deep, defect_map) for pool in (x.amax(dim=(2, 3)), x.mean(dim=(2, 3)))]
        decided: Tensor = self.decision(torch.cat(pooled, dim=1))
        return decided


class TwoStageNetwork(Cascade):
    """Segmentation and classification as one: frames, (N, C, H, W), uint8 → mask and score, probabilities.

    Args:
        blocks: bottlenecks per stage, see `BLOCKS`.
        rectify_map: see `ClassificationNetwork`.
        channels: C; the paper's frames are grey.
    """

    def __init__(self, blocks: tuple[int, ...] = BLOCKS, *, rectify_map: bool = True, channels: int = 1) -> None:
        segmentation = SegmentationNetwork(blocks, channels=channels)
        super().__init__(segmentation, ClassificationNetwork(rectify_map=rectify_map))
        self.apply(he_normal)
        start_at(segmentation.head, PRIOR_LOGIT)


class TwoStageOptions(Part):
    """Of the two-stage network."""

    blocks: tuple[Blocks, Blocks, Blocks, Blocks] = Field(
        default=BLOCKS, description="Bottlenecks of each stage; (1, 3, 3, 4) is column N of table 1 as printed."
    )
    rectify_map: bool = Field(
        default=True, description="The classification sees ReLU of the map's logit instead of the logit itself."
    )


def _build(wanted: Wanted, options: TwoStageOptions) -> nn.Module:
    return TwoStageNetwork(options.blocks, rectify_map=options.rectify_map, channels=wanted.channels)


ARCHITECTURES = (
    Architecture(
        name="commutator_two_stage",
        paper="d",
        title="Two-stage network for motor commutators",
        tasks=("cascade",),
        channels=1,
        height=1408,
        width=512,
        outputs=1,
        build=_build,
        options=TwoStageOptions,
        multiple=2 * STRIDE,
        smallest=64,
    ),
)
