"""Adds up what the steps of an epoch come to, and tells it at the epoch's end: to the log, the loggers and the file."""

import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.learning import curves
from flawgate_training.learning.curves import Epoch
from flawgate_training.learning.selection import Selection
from flawgate_training.learning.stage import LearningStage

_log = logging.getLogger(__name__)

_HEARD = ("flawgate_training", "lightning.pytorch")


@dataclass
class _Sum:
    """Of the steps of an epoch so far.

    Attributes:
        loss: times frames.
        frames: shown.
        seconds: gone by.
        waited: of those, for batches.
    """

    loss: float = 0.0
    frames: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class Recorder(Callback):
    """Keeps the curves of a stage; they survive an interruption.

    Attributes:
        epochs: those that are over.

    Args:
        folder: of the run.
        title: of the stage.
        selection: called before this; where the validation score comes from.
    """

    def __init__(self, folder: Path, title: str, selection: Selection) -> None:
        self.epochs: list[Epoch] = []
        self._folder = folder
        self._title = title
        self._selection = selection
        self._sum = _Sum()
        self._losses: list[tuple[Tensor, int]] = []
        self._since = 0.0
        self._levels = {name: logging.getLogger(name).getEffectiveLevel() for name in _HEARD}

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Say in a spawned process what would be said in the one that spawned it."""
        del pl_module, stage
        if trainer.world_size > 1:
            logging.basicConfig(format="%(asctime)s %(message)s")
            for name, level in self._levels.items():
                logging.getLogger(name).setLevel(level)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        self._add_up()
        return {"epochs": [epoch.model_dump() for epoch in self.epochs], "sum": asdict(self._sum)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.epochs = [Epoch(**epoch) for epoch in state_dict["epochs"]]
        self._sum = _Sum(**state_dict["sum"])

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the time."""
        del trainer, pl_module
        self._since = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note a step; its loss stays where it was computed, so that nothing waits for it."""
        del trainer, batch_idx
        self._losses.append((outputs["loss"], len(batch[0])))
        self._tick(pl_module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Tell what the epoch came to.

        Raises:
            InvalidExperiment: the loss is no number any more.
            DiskFull: no space is left in the run's folder.
        """
        self._add_up()
        share = self._sum.waited / self._sum.seconds
        self._tick(pl_module)
        epoch = Epoch(
            epoch=trainer.current_epoch + 1,
            loss=self._mean_loss(trainer, pl_module.device),
            score=self._selection.score,
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
            seconds=round(self._sum.seconds, 3),
            waited=round(share, 4),
        )
        self._sum = _Sum()
        self.epochs.append(epoch)
        if trainer.is_global_zero:
            self._tell(trainer, epoch)

    def _tick(self, pl_module: lightning.LightningModule) -> None:
        now = time.perf_counter()
        self._sum.seconds += now - self._since
        self._since = now
        if isinstance(pl_module, LearningStage) and pl_module.loader is not None:
            self._sum.waited += pl_module.loader.waited
            pl_module.loader.waited = 0.0

    def _add_up(self) -> None:
        for loss, frames in self._losses:
            self._sum.loss += float(loss) * frames
            self._sum.frames += frames
        self._losses.clear()

    def _mean_loss(self, trainer: lightning.Trainer, device: torch.device) -> float:
        """Over all frames shown, those of other processes included."""
        own = torch.tensor(self._sum.loss / self._sum.frames, dtype=torch.float64, device=device)
        mean = float(trainer.strategy.reduce(own, reduce_op="mean"))
        if not math.isfinite(mean):
            raise InvalidExperiment(
                f"The loss of the {self._title} is no number any more in epoch {trainer.current_epoch + 1}; "
                "lower its learning rate or set its gradient_clip, and train into a new folder.",
                {"field": f"stages.{self._title}.learning_rate"},
            )
        return mean

    def _tell(self, trainer: lightning.Trainer, epoch: Epoch) -> None:
        _log.info(
            "%s %d/%s: loss %.5f%s, %.0f s, %.1f %% of it waiting for frames",
            self._title,
            epoch.epoch,
            trainer.max_epochs,
            epoch.loss,
            "" if epoch.score is None else f", validation score {epoch.score:.4f}",
            epoch.seconds,
            100 * epoch.waited,
        )
        figures = {
            f"epoch/{name}": value for name, value in epoch.model_dump(exclude={"epoch"}, exclude_none=True).items()
        }
        for logger in trainer.loggers:
            logger.log_metrics(figures, step=epoch.epoch)
        curves.write(self._folder, self._title, self.epochs)
