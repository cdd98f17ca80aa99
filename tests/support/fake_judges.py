"""Networks that need no training: they see at once what `tiny_training.Drawn` has drawn, 120 ± 20 being good."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flawgate_training.experiment.schema import Experiment, Task
from support.tiny_training import experiment


class _Fake(nn.Module):
    """Has a weight, as every network has, and counts the frames that it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.frames = 0

    def seen(self, frames: Tensor) -> Tensor:
        """Frames, (N, C, H, W), uint8 → grey values, (N, 1, H, W), float32."""
        self.frames += len(frames)
        return frames.float().mean(dim=1, keepdim=True) + self.weight


class Contrast(_Fake):
    """A segmentation of one channel: logit 6 and more on spots and stripes, -6 and less elsewhere."""

    def forward(self, frames: Tensor) -> Tensor:
        """Frames, (N, C, H, W), uint8 → logits, (N, 1, H, W)."""
        return ((self.seen(frames) - 120).abs() - 50) / 5


class Kinds(_Fake):
    """A segmentation of good, spot and stripe."""

    def forward(self, frames: Tensor) -> Tensor:
        """Frames, (N, C, H, W), uint8 → logits, (N, 3, H, W)."""
        grey = self.seen(frames)
        return torch.cat([torch.zeros_like(grey), (grey - 170) / 5, (70 - grey) / 5], dim=1)


class Whole(Kinds):
    """A classification into good, spot and stripe."""

    def forward(self, frames: Tensor) -> Tensor:
        """Frames, (N, C, H, W), uint8 → logits, (N, 3)."""
        return super().forward(frames).amax(dim=(2, 3))


class TwoStages(_Fake):
    """A cascade whose mask has an eighth of the frame's size."""

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames, (N, C, H, W), uint8 → mask, (N, 1, H/8, W/8), and score, (N, 1); 0–1."""
        marked = (((self.seen(frames) - 120).abs() - 50) / 5).sigmoid()
        return nn.functional.avg_pool2d(marked, 8), marked.amax(dim=(2, 3))


class Flat(_Fake):
    """A reconstruction that draws every surface as an even grey of 120."""

    def forward(self, frames: Tensor) -> Tensor:
        """Frames, (N, C, H, W), uint8 → the same as drawn, 0–1."""
        return torch.full(frames.shape, 120 / 255) + 0 * self.seen(frames)


@dataclass(frozen=True)
class FakeRun:
    """A finished run."""

    experiment: Experiment
    classes: Sequence[str]
    network: nn.Module


BINARY = ("background", "defect")
KINDS = ("background", "spot", "stripe")


def fake_run(task: Task, *, kinds: bool = False, threshold: float | str = 0.5) -> FakeRun:
    """A run of one of the networks above.

    Args:
        task: what it was trained for.
        kinds: tell spots from stripes; a classification always does.
        threshold: as in an experiment.
    """
    networks: dict[Task, type[_Fake]] = {
        "cascade": TwoStages,
        "segmentation": Kinds if kinds else Contrast,
        "classification": Whole,
        "anomaly": Flat,
    }
    plain = experiment(task).model_dump()
    described = Experiment.model_validate(plain | {"judging": {"threshold": threshold, "top_share": 0.01}})
    return FakeRun(described, KINDS if kinds or task == "classification" else BINARY, networks[task]().eval())
