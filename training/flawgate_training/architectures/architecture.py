"""What the registry knows of each architecture. One file per family describes its own; `registry` collects them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, JsonValue
from torch import nn

from flawgate_training.architectures.initialisation import PRIOR_LOGIT
from flawgate_training.architectures.networks import Classifier, Normalise, Reconstructor, Segmenter
from flawgate_training.experiment.part import Part
from flawgate_training.experiment.schema import Paper, Task

Width = Annotated[int, Field(ge=1, le=2048)]
Filters = tuple[Width, Width, Width, Width, Width]
"""Channels of the five levels of a U-Net, the finest first."""


class NoOptions(Part):
    """Of an architecture that leaves nothing to choose."""


@dataclass(frozen=True)
class Wanted:
    """What a network is built for.

    Attributes:
        task: see `Experiment`.
        channels: of the frames: 1 for grey, 3 for RGB.
        height: rows of the frames, in pixels.
        width: columns of the frames, in pixels.
        outputs: channels of the answer: logit maps, classes, or those of a drawn frame.
    """

    task: Task
    channels: int
    height: int
    width: int
    outputs: int

    @property
    def first_logit(self) -> float:
        """Where an untrained map of ours starts: a defect map at its prior, all else at 0."""
        return PRIOR_LOGIT if self.task == "segmentation" and self.outputs == 1 else 0.0

    def network(self, body: nn.Module, normalise: Normalise | None = None) -> nn.Module:
        """Put a body to the use of the task; see `networks`. A cascade is a network already."""
        uses = {"segmentation": Segmenter, "classification": Classifier, "anomaly": Reconstructor}
        return uses[self.task](body, normalise)


Build = Callable[[Wanted, Any], nn.Module]
"""What is wanted and the options, as the architecture's own class of them → a network with random weights."""


@dataclass(frozen=True)
class Architecture:
    """A network of one of the papers.

    Attributes:
        name: as experiments name it.
        paper: the paper, "a" to "e".
        title: one line for people.
        tasks: what it can be trained for; the paper's own first.
        channels: of the paper's input.
        height: rows of the paper's input, in pixels.
        width: columns of the paper's input, in pixels.
        outputs: channels of the paper's answer.
        build: makes the network.
        options: class of its options.
        variants: options of each network of the paper.
        multiple: height and width of any input are multiples of it, in pixels.
        smallest: shortest height and width of any input, in pixels: batch normalisation needs more than one value to
            learn from, even in a batch of one frame.
        one_output_for_two: a classification of two classes has one output (sigmoid) instead of two (softmax).
    """

    name: str
    paper: Paper
    title: str
    tasks: tuple[Task, ...]
    channels: int
    height: int
    width: int
    outputs: int
    build: Build
    options: type[Part] = NoOptions
    variants: tuple[Mapping[str, JsonValue], ...] = field(default=({},))
    multiple: int = 1
    smallest: int = 16
    one_output_for_two: bool = False

    def as_in_paper(self) -> Wanted:
        """What the paper builds it for."""
        return Wanted(self.tasks[0], self.channels, self.height, self.width, self.outputs)
