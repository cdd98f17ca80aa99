"""What both stages share: the optimiser, its schedule and a fresh loader every epoch."""

from abc import abstractmethod

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from flawgate_training.config import StageConfig


class Stage(LightningModule):
    """Trains one part of a network by `config`.

    Args:
        trained: whose weights change.
        config: epochs, learning rate, schedule, batch size.
    """

    def __init__(self, trained: nn.Module, config: StageConfig) -> None:
        super().__init__()
        self.trained = trained
        self.config = config

    @abstractmethod
    def examples(self, epoch: int) -> Dataset[tuple[Tensor, ...]]:
        """The examples of one epoch, in the order in which they are shown."""

    @abstractmethod
    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """The loss of one batch, a scalar."""

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        """One step; the mean loss of the epoch is logged as `loss`."""
        loss = self.loss(batch)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]))
        return loss

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Called anew for each epoch. The order is the data set's own, so nothing is shuffled here."""
        return DataLoader(self.examples(self.trainer.current_epoch), batch_size=self.config.batch_size)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam (paper d, section 4), with the schedule of the configuration, stepped at every batch."""
        optimiser = torch.optim.Adam(self.trained.parameters(), lr=self.config.learning_rate)
        if self.config.schedule == "constant":
            return optimiser
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
