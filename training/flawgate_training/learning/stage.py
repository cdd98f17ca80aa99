"""What all stages share: one part of a network learns from batches, step by step."""

import copy
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import Dataset

from flawgate_training.experiment.training import Stage
from flawgate_training.learning.feed import Example, Loader
from flawgate_training.learning.losses import Measure
from flawgate_training.learning.optimisers import optimiser, schedule
from flawgate_training.learning.order import Order, Share, Start

_START = "flawgate_start"
"""Key of a checkpoint: the `Start` from which a resumed run goes on."""


@dataclass(frozen=True)
class Lesson:
    """What a stage learns from, and how.

    Attributes:
        config: epochs, optimiser, averaging.
        examples: by keys.
        order: of the keys.
        measure: the loss.
        seed: of what is random within the network, as dropout is.
        workers: processes that prepare batches.
    """

    config: Stage
    examples: Dataset[Example]
    order: Order
    measure: Measure
    seed: int
    workers: int = 0


class LearningStage(LightningModule):
    """Teaches one part of a network; the rest is frozen.

    Args:
        network: changed in place.
        lesson: see `Lesson`.
    """

    def __init__(self, network: nn.Module, lesson: Lesson) -> None:
        super().__init__()
        self.network = network
        self.lesson = lesson
        self.loader: Loader | None = None
        self._start = Start()
        self._next = 0
        network.requires_grad_(requires_grad=False)
        self.trained.requires_grad_(requires_grad=True)
        self.average = self._average()
        self.set_modes()

    @property
    def trained(self) -> nn.Module:
        """Whose weights change."""
        return self.network

    @abstractmethod
    def loss(self, batch: Example) -> Tensor:
        """The loss of one batch, a scalar."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches of every epoch, once a trainer is attached."""
        return len(self._order())

    def set_modes(self) -> None:
        """What learns is in training mode, what is frozen is not: not even its running statistics move."""
        self.network.eval()
        self.trained.train()

    def kept(self) -> dict[str, Tensor]:
        """The weights that are kept: the moving average, or those of the last step. Names as in `trained`."""
        return (self.trained if self.average is None else self.average.module).state_dict()

    @contextmanager
    def showing_kept(self) -> Iterator[None]:
        """The network as it would be kept, in evaluation mode, for as long as the context lasts."""
        own = copy.deepcopy(self.trained.state_dict()) if self.average is not None else None
        self.trained.load_state_dict(self.kept())
        self.network.eval()
        try:
            yield
        finally:
            if own is not None:
                self.trained.load_state_dict(own)
            self.set_modes()

    def on_train_batch_start(self, batch: Example, batch_idx: int) -> None:
        """Seed what is random within the network by the step alone, so that a resumed run goes on as it would have."""
        del batch
        key = [self.lesson.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def training_step(self, batch: Example, batch_idx: int) -> Tensor:
        """One step; its loss is logged as `loss`."""
        self._next = batch_idx + 1
        loss = self.loss(batch)
        self.log("loss", loss, on_step=True, on_epoch=False, prog_bar=True, batch_size=len(batch[0]))
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """See Lightning; the moving average follows every step."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            self.average.update_parameters(self.trained)

    def train_dataloader(self) -> Loader:
        """Called once; begins at the batch where a resumed run goes on."""
        self.loader = Loader(
            self.lesson.examples,
            self._order(),
            workers=self.lesson.workers,
            pinned=self.device.type == "cuda",
        )
        return self.loader

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Those of the configuration; the schedule goes by the step."""
        config = self.lesson.config
        chosen = optimiser(self.trained, config)
        falling = schedule(chosen, config, self.steps_per_epoch * config.epochs)
        if falling is None:
            return chosen
        return {"optimizer": chosen, "lr_scheduler": {"scheduler": falling, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add where to go on."""
        over = self._next == self.steps_per_epoch
        checkpoint[_START] = [self.current_epoch + 1, 0] if over else [self.current_epoch, self._next]

    def on_load_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on there."""
        self._start = Start(*checkpoint[_START])
        self._next = self._start.batch

    def _order(self) -> Order:
        return self.lesson.order.from_(self._start, Share(self.global_rank, self.trainer.world_size))

    def _average(self) -> AveragedModel | None:
        decay = self.lesson.config.ema
        if decay is None:
            return None
        average = AveragedModel(self.trained, multi_avg_fn=partial(_follow, decay=decay), use_buffers=True)
        return average.requires_grad_(requires_grad=False)


@torch.no_grad()
def _follow(averages: Sequence[Tensor], current: Sequence[Tensor], _: Tensor, *, decay: float) -> None:
    """Move averages towards the current values; what only counts, as batches seen, is copied."""
    for average, value in zip(averages, current, strict=True):
        if average.is_floating_point():
            average.lerp_(value, 1 - decay)
        else:
            average.copy_(value)
