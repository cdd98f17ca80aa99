"""The two loops that `training.py` compares: ours, by Lightning, and the plainest one."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import nn

from flawgate_training.architectures import registry
from flawgate_training.datasets.samples import Samples
from flawgate_training.experiment.schema import Experiment
from flawgate_training.learning.curriculum import part_of, stage_of
from flawgate_training.learning.fit import Terms, fit
from flawgate_training.learning.loggers import Destinations
from flawgate_training.learning.machine import Settled
from flawgate_training.learning.optimisers import optimiser
from flawgate_training.learning.stage import LearningStage

_IN_MEMORY = 16
"""Batches that the plainest loop goes through again and again."""


@dataclass(frozen=True)
class Measured:
    """Steps after the first one.

    Attributes:
        steps: seconds of each.
        frames: shown in all of them.
        waited: seconds of all, for batches.
    """

    steps: tuple[float, ...] = ()
    frames: int = 0
    waited: float = 0.0

    @property
    def seconds(self) -> float:
        """Of all steps."""
        return sum(self.steps)

    def and_one(self, seconds: float, frames: int, waited: float = 0.0) -> "Measured":
        """With one step more."""
        return Measured((*self.steps, seconds), self.frames + frames, self.waited + waited)


class Clock(Callback):
    """Measures steps after the first one, and ends the training when the time is over.

    Args:
        seconds: to measure; one step at least, whatever it takes.
    """

    def __init__(self, seconds: float) -> None:
        self.measured = Measured()
        self._limit = seconds
        self._since: float | None = None

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Take the time; the first call only begins it."""
        del outputs, batch_idx
        now = _now(pl_module.device)
        if self._since is not None and isinstance(pl_module, LearningStage) and pl_module.loader is not None:
            self.measured = self.measured.and_one(now - self._since, len(batch[0]), pl_module.loader.waited)
        self._since = now
        trainer.should_stop = len(self.measured.steps) > 0 and self.measured.seconds >= self._limit


@dataclass(frozen=True)
class Subject:
    """What is trained: the first stage of an experiment.

    Attributes:
        experiment: gives loss, optimiser and augmentation.
        network: changed in place.
        samples: to learn from.
        settled: the machine.
    """

    experiment: Experiment
    network: nn.Module
    samples: Samples
    settled: Settled

    @classmethod
    def of(cls, experiment: Experiment, classes: Sequence[str], samples: Samples, settled: Settled) -> "Subject":
        """With random weights."""
        torch.manual_seed(0)
        return cls(experiment, registry.build(experiment, classes), samples, settled)

    @property
    def title(self) -> str:
        """Of the stage."""
        return next(iter(self.experiment.stages))

    def stage(self) -> LearningStage:
        """Made anew."""
        classes = [str(number) for number in range(max(item.label for item in self.samples.items) + 1)]
        return stage_of(self.experiment, self.title, self.network, classes, self.samples, self.settled.device)


def our_loop(subject: Subject, seconds: float) -> Measured:
    """Train for so long as `flawgate train` does: Lightning, loader, callbacks, checkpoints at the end."""
    clock = Clock(seconds)
    with tempfile.TemporaryDirectory() as folder:
        terms = Terms(
            subject.title,
            Destinations(subject.experiment, Path(folder)),
            subject.settled,
            subject.experiment.machine.checkpoint_steps,
            progress=False,
            watchers=(clock,),
        )
        fit(part_of(subject.network, subject.experiment, subject.title), subject.stage, terms)
    return clock.measured


def plain_loop(subject: Subject, seconds: float) -> Measured:
    """The plainest loop: the same network, loss and optimiser, over batches that lie in memory."""
    device = subject.settled.device
    stage = subject.stage().to(device)
    batches = [stage.lesson.examples[batch] for batch in islice(stage.lesson.order, _IN_MEMORY)]
    steps = optimiser(stage.trained, stage.lesson.config)
    measured, since = Measured(), None
    for batch in cycle(batches):
        steps.zero_grad()
        torch.autograd.backward(stage.loss(tuple(part.to(device) for part in batch)))
        steps.step()
        now = _now(device)
        if since is not None:
            measured = measured.and_one(now - since, len(batch[0]))
        since = now
        if measured.steps and measured.seconds >= seconds:
            break
    return measured


def _now(device: torch.device) -> float:
    """Seconds, once all work of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
